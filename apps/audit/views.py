"""The pages of the trail: read only."""

from collections.abc import Iterator
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from apps.audit import explaining, exporting, filters, queries
from apps.audit.forms import LARGEST_ID, EventFilter
from apps.audit.searching import Found, search

PAGING = ("before", "after")


@login_required
@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    """The events that the person may read, newest first; a malformed filter is a 400 on its field."""
    form, began = EventFilter(request.GET, user=request.user), monotonic()
    valid = form.is_valid()
    values = form.cleaned_data if valid else {}
    found = search(request.user, values, before=values["before"], after=values["after"]) if valid else Found([])
    chips = filters.chips(request.GET)
    context: dict[str, Any] = {
        "form": form,
        "query": urlencode(filters.pairs(request.GET)),
        "found": found,
        "chips": chips,
        "filtered": bool(chips),
        "paged": any(request.GET.get(name) for name in PAGING),
    }
    if valid and chips and not found.events:
        context["excluding"] = explaining.excluding(request.user, values, chips, began=began)
    return render(request, "audit/event_list.html", context, status=200 if valid else 400)


@login_required
@require_safe
def event_detail(request: HttpRequest, number: int) -> HttpResponse:
    """One event at its permanent address: what changed, from which door, and the hashes that chain it."""
    event = queries.get_event(request.user, min(number, LARGEST_ID))
    return render(request, "audit/event_detail.html", {"event": event})


@login_required
@require_GET  # HEAD would record an export that nobody reads
def event_export(request: HttpRequest, form: str) -> HttpResponse:
    """What fits the filters as a file, in the order in which it happened; a malformed filter is a 400 on its field."""
    asked = EventFilter(request.GET, user=request.user)
    if not asked.is_valid():
        return render(request, "audit/event_list.html", {"form": asked, "found": Found([])}, status=400)
    return file(exporting.export(asked.cleaned_data, filters.as_data(request.GET), by=request.user, form=form), form)


def file(lines: Iterator[str], form: str) -> HttpResponse:
    """Return an export as a download that is sent while it is read."""
    response: Any = StreamingHttpResponse(lines, content_type=exporting.CONTENT_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.now():%Y-%m-%dT%H-%M-%S}.{form}"'
    return response
