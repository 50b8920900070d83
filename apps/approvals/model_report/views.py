"""A model's report as a page, which prints well, and as files."""

import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from apps.approvals.model_report.lines import Line, holders, lines, newest
from apps.cells import line as table_line
from apps.registry import queries as registry
from apps.registry.models import RegisteredModel

FORMAT = "assent.model-report/1"
MOST = 500  # lines and people on the page; the files hold everything
COLUMNS = tuple(field.name for field in fields(Line))


@login_required
@require_safe
def report(request: HttpRequest, name: str) -> HttpResponse:
    """The newest lines in the order in which they happened, and who holds which roles now."""
    model = registry.get_model(request.user, name)
    people = holders(model)
    shown, more = newest(request.user, model, MOST)
    context = {"model": model, "lines": shown, "more": more, "most": MOST, "people": people[:MOST],
               "more_people": len(people) > MOST, "now": timezone.now()}  # fmt: skip
    return render(request, "approvals/model_report/report.html", context)


@login_required
@require_safe
def report_json(request: HttpRequest, name: str) -> HttpResponse:
    """Everything as JSON, sent while it is read."""
    model = registry.get_model(request.user, name)
    return _file(json_parts(request.user, model), "application/json", model, "json")


@login_required
@require_safe
def report_csv(request: HttpRequest, name: str) -> HttpResponse:
    """Everything as a table; who holds which roles stands in its last lines."""
    model = registry.get_model(request.user, name)
    return _file(_table(request.user, model), "text/csv; charset=utf-8", model, "csv")


def json_parts(user: Any, model: RegisteredModel) -> Iterator[str]:
    """Yield the report as JSON, a line at a time."""
    head = {"format": FORMAT, "model": model.reference, "at": _written(timezone.now()), "by": user.get_username()}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "roles": '
    yield json.dumps([{"who": row.who, "roles": row.roles} for row in holders(model)], ensure_ascii=False)
    yield ', "lines": ['
    for number, row in enumerate(lines(user, model)):
        yield (",\n" if number else "\n") + json.dumps(asdict(row), ensure_ascii=False, default=_written)
    yield "\n]}\n"


def _table(user: Any, model: RegisteredModel) -> Iterator[str]:
    yield table_line(COLUMNS)
    for row in lines(user, model):
        yield table_line(_written(value) for value in asdict(row).values())
    now = _written(timezone.now())
    for person in holders(model):
        cells = {"at": now, "what": "holds", "who": person.who, "role": ", ".join(person.roles)}
        yield table_line(cells.get(name) for name in COLUMNS)


def _file(parts: Iterator[str], content_type: str, model: RegisteredModel, extension: str) -> HttpResponse:
    response: Any = StreamingHttpResponse(parts, content_type=content_type)
    name = slugify(model.reference)[:60] or "model"
    response["Content-Disposition"] = f'attachment; filename="report-{name}-{timezone.now():%Y-%m-%d}.{extension}"'
    return response


def _written(value: Any) -> Any:
    """Return a time as text; anything else as it is."""
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
