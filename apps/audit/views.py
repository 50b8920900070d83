"""The page of the trail: read only."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit import queries
from apps.audit.forms import EventFilter
from apps.audit.models import AuditEvent

ROWS = 50
PAGING = ("before", "after")


@dataclass(frozen=True)
class Slice:
    """A stretch of the trail, newest first. `older` and `newer` are event numbers to go on from, None at an end."""

    events: list[AuditEvent]
    older: int | None
    newer: int | None


@login_required
@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    """The events that the person may read, newest first; a malformed filter is a 400 on its field."""
    form = EventFilter(request.GET)
    valid = form.is_valid()
    events = queries.visible_events(request.user)
    values = form.cleaned_data if valid else {}
    context = {
        "form": form,
        "slice": slice_of(queries.filtered(events, values), values) if valid else Slice([], None, None),
        "filtered": any(request.GET.get(name) for name in form.fields if name not in PAGING),
        "paged": any(request.GET.get(name) for name in PAGING),
    }
    return render(request, "audit/event_list.html", context, status=200 if valid else 400)


def slice_of(events: QuerySet[AuditEvent], values: dict[str, Any]) -> Slice:
    """Return the stretch before or after an event number: as quick deep in the trail as at its end."""
    before, after = values.get("before"), values.get("after")
    if after is not None:
        found = list(events.filter(pk__gt=after).order_by("id")[: ROWS + 1])
        rows, more = found[:ROWS][::-1], len(found) > ROWS
        return Slice(rows, rows[-1].pk if rows else None, rows[0].pk if more else None)
    rest = events.filter(pk__lt=before) if before is not None else events
    found = list(rest[: ROWS + 1])
    rows, more = found[:ROWS], len(found) > ROWS
    return Slice(rows, rows[-1].pk if more else None, rows[0].pk if rows and before is not None else None)
