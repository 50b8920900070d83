"""The page of the access log, and its export."""

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit.access import queries
from apps.audit.access.forms import AccessFilter

ROWS = 50


@login_required
@require_safe
def access_list(request: HttpRequest) -> HttpResponse:
    """What was denied, and reads that matter, newest first; a malformed filter is a 400 on its field."""
    form = AccessFilter(request.GET, user=request.user)
    valid = form.is_valid()
    values = form.cleaned_data if valid else {}
    rows = queries.filtered(queries.visible_accesses(request.user), values) if valid else None
    if rows is not None and values.get("before"):
        rows = rows.filter(pk__lt=values["before"])
    found = list(rows[: ROWS + 1]) if rows is not None else []
    context = {
        "form": form,
        "rows": found[:ROWS],
        "older": found[ROWS - 1].pk if len(found) > ROWS else None,
        "paged": bool(request.GET.get("before")),
        "kept_days": settings.ACCESS_LOG_DAYS,
        "filtered": any(request.GET.get(name) for name in form.fields if name != "before"),
    }
    return render(request, "audit/access_list.html", context, status=200 if valid else 400)


@login_required
@require_safe
def access_export(request: HttpRequest) -> HttpResponseBase:
    """The same rows as a JSON file, in constant memory; a malformed filter shows the page with its error."""
    form = AccessFilter(request.GET, user=request.user)
    if not form.is_valid():
        return access_list(request)
    rows = queries.filtered(queries.visible_accesses(request.user), form.cleaned_data)
    response = StreamingHttpResponse(_as_array(queries.exported(rows)), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="access-log.json"'
    return response


def _as_array(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield "["
    for place, row in enumerate(rows):
        yield (",\n" if place else "\n") + json.dumps(row, ensure_ascii=False)
    yield "\n]\n"
