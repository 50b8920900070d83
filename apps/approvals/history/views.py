"""The page of the past, and the same as files."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.approvals.forms import cleaned
from apps.approvals.history import queries
from apps.approvals.history.asking import AsOfForm
from apps.approvals.history.queries import Held
from apps.approvals.history.serializers import HeldOut
from apps.cells import safe

ROWS = 50
EXPORTED_AT_ONCE = 200
COLUMNS = tuple(HeldOut().fields)


@login_required
@require_safe
def as_of(request: HttpRequest) -> HttpResponse:
    """What was in which stage at a moment: of one model everything, of all models one stage."""
    form = AsOfForm(request.GET)
    context: dict[str, Any] = {"form": form, "now": timezone.now()}
    if not form.is_valid():
        return render(request, "approvals/history/as_of.html", context, status=400)
    values = form.cleaned_data
    at = values["date"] or context["now"]
    context |= {"at": at, "stage": values["stage"], "here": _address(values, at)}
    if values["model"]:
        model = queries.model_at(request.user, values["model"], at)
        context |= {"model": model, "page": queries.HeldPage(queries.of_model(model, at), "", "")}
    else:
        cursor = request.GET.get("cursor", "")
        context["page"] = queries.page_of(request.user, values["stage"], at, ROWS, cursor)
    return render(request, "approvals/history/as_of.html", context)


@login_required
@require_safe
def export_csv(request: HttpRequest) -> HttpResponse:
    """The whole list of the page as a table, one line for each version in a place."""
    at, rows = _everything(request)

    def lines() -> Iterator[str]:
        yield _line(COLUMNS)
        for row in rows:
            yield _line(_cell(value) for value in HeldOut(row).data.values())

    return _file(lines(), "text/csv; charset=utf-8", at, "csv")


@login_required
@require_safe
def export_json(request: HttpRequest) -> HttpResponse:
    """The whole list of the page as JSON, in the API's shape."""
    at, rows = _everything(request)

    def parts() -> Iterator[str]:
        yield f'{{"at": "{_written(at)}", "results": ['
        for number, row in enumerate(rows):
            yield (",\n" if number else "\n") + json.dumps(HeldOut(row).data, ensure_ascii=False, default=str)
        yield "\n]}\n"

    return _file(parts(), "application/json", at, "json")


def _everything(request: HttpRequest) -> tuple[datetime, Iterator[Held]]:
    """Return the moment and every row. Raises InvalidInput, and NotVisible, before the first line is sent."""
    values = cleaned(AsOfForm(request.GET))
    at = values["date"] or timezone.now()
    if values["model"]:
        return at, iter(queries.of_model(queries.model_at(request.user, values["model"], at), at))
    return at, _pages(request.user, values["stage"], at)


def _pages(user: Any, stage: str, at: datetime) -> Iterator[Held]:
    cursor, more = "", True
    while more:
        page = queries.page_of(user, stage, at, EXPORTED_AT_ONCE, cursor)
        yield from page.rows
        cursor, more = page.next, bool(page.next)


def _file(parts: Iterator[str], content_type: str, at: datetime, extension: str) -> HttpResponse:
    response: Any = StreamingHttpResponse(parts, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="as-of-{at:%Y-%m-%dT%H-%M}.{extension}"'
    return response


def _line(cells: Any) -> str:
    target = io.StringIO()
    csv.writer(target).writerow(list(cells))
    return target.getvalue()


def _cell(value: Any) -> Any:
    return safe(", ".join(value) if isinstance(value, list) else str(value) if isinstance(value, datetime) else value)


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _address(values: dict[str, Any], at: datetime) -> str:
    """Return the query of an address that names this very list again, its moment included."""
    asked = {"model": values["model"]} if values["model"] else {"stage": values["stage"]}
    return f"?{urlencode({'date': _written(at), **asked})}"
