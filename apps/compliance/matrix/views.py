"""The page of the matrix, and the same as files."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.approvals.forms import cleaned
from apps.cells import safe
from apps.compliance.matrix import queries
from apps.compliance.matrix.asking import MatrixFilter, wanted
from apps.compliance.matrix.serializers import ModelStandingOut

ROWS = 50
COLUMNS = ("model", "name", "risk", "control", "severity", "outcome", "reason", "link")


@login_required
@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    """How each model stands to each control."""
    form, now = MatrixFilter(request.GET), timezone.now()
    context: dict[str, Any] = {"form": form, "now": now}
    if not form.is_valid():
        return render(request, "compliance/matrix.html", context, status=400)
    asked, counts_asked = wanted(form.cleaned_data), request.GET.get("counts") == "on"
    here, cursor = _address(asked), request.GET.get("cursor", "")
    context |= {
        "at": asked.at,
        "wanted": asked,
        "page": queries.page_of(request.user, asked, now, ROWS, cursor),
        "cursor": cursor,
        "counts": queries.counts(request.user, asked, now, asked=counts_asked),
        "here": here,
        "more": f"{here}&" if here else "?",
    }
    return render(request, "compliance/matrix.html", context)


@login_required
@require_safe
def export_csv(request: HttpRequest) -> HttpResponse:
    """The whole list of the page as a table: one line for each model and control."""
    asked, rows = _everything(request)

    def lines() -> Iterator[str]:
        yield _lines([COLUMNS])
        while batch := list(islice(rows, queries.AT_ONCE)):
            yield _lines(line for row in batch for line in _cells_of(row))

    return _file(lines(), "text/csv; charset=utf-8", asked, "csv")


@login_required
@require_safe
def export_json(request: HttpRequest) -> HttpResponse:
    """The whole list of the page as JSON, in the API's shape."""
    asked, rows = _everything(request)
    at = json.dumps(asked.at.isoformat() if asked.at else None)

    def parts() -> Iterator[str]:
        yield f'{{"at": {at}, "results": ['
        between = "\n"
        while batch := list(islice(rows, queries.AT_ONCE)):
            said = [json.dumps(ModelStandingOut(row).data, ensure_ascii=False, default=str) for row in batch]
            yield between + ",\n".join(said)
            between = ",\n"
        yield "\n]}\n"

    return _file(parts(), "application/json", asked, "json")


def _everything(request: HttpRequest) -> tuple[queries.Wanted, Iterator[queries.Row]]:
    """Return what is asked for, and every row of it. Raises InvalidInput before the first line is sent."""
    asked = wanted(cleaned(MatrixFilter(request.GET)))
    rows = queries.every_row(request.user, asked, timezone.now())
    return asked, (row for row in rows if not asked.outcome or queries.stands(row, asked))


def _file(parts: Iterator[str], content_type: str, asked: queries.Wanted, extension: str) -> HttpResponse:
    response: Any = StreamingHttpResponse(parts, content_type=content_type)
    at: datetime = asked.at or timezone.now()
    response["Content-Disposition"] = f'attachment; filename="compliance-{at:%Y-%m-%dT%H-%M}.{extension}"'
    return response


def _cells_of(row: queries.Row) -> Iterator[list[str]]:
    """Yield the line of each control, without the API's serializers: they take as long as the judging."""
    for cell in row.cells:
        found = cell.finding
        said = (cell.column.control.name, cell.column.setting.severity, found.outcome, found.reason, found.url)
        yield [safe(str(value)) for value in (row.model.reference, row.facts.reference, row.facts.risk, *said)]


def _lines(rows: Iterable[Iterable[str]]) -> str:
    target = io.StringIO()
    csv.writer(target).writerows(rows)
    return target.getvalue()


def _address(asked: queries.Wanted) -> str:
    """Return the query of an address that names this very list again, its moment included."""
    named = {"q": asked.q, "risk": asked.risk, "control": asked.control, "outcome": asked.outcome}
    given = {name: value for name, value in named.items() if value}
    if asked.at:
        given["date"] = asked.at.isoformat().replace("+00:00", "Z")
    return f"?{urlencode(given)}" if given else ""
