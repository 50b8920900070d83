"""The page that shows the API's schema to people: every operation, its input, its answers, an example."""

import functools
import itertools
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

Schema = dict[str, Any]
WORDS: dict[tuple[str, str], str | Promise] = {
    ("string", ""): _("text"),
    ("string", "date"): _("day, YYYY-MM-DD"),
    ("string", "date-time"): _("time, ISO 8601"),
    ("string", "uri"): _("address"),
    ("integer", ""): _("whole number"),
    ("number", ""): _("number"),
    ("boolean", ""): _("true or false"),
    ("object", ""): _("object"),
}
SAMPLES: dict[str, Any] = {
    "group": "reviewers",
    "grant": 17,
    "review": 4,
    "person": "bob",
    "until": "2027-01-29",
    "decision": "confirm",
    "role": "reviewer",
    "permission": "model:review",
    "name": "churn",
    "number": 3,
    "id": 12,
    "alias": "champion",
    "run": 12,
    "view": 12,
    "endpoint": 3,
    "delivery": 12,
    "ids": [12, 13],
    "connection": "eu",
    "url": "https://mlflow.example.org",
    "base": "churn@2",
    "candidate": "churn@3",
    "model": "churn",
    "version": 3,
    "to_stage": "Production",
    "stage": "Production",
    "found": "Production",
    "rules": [{"needed": 2, "group": None}],
    "starts_at": "2026-12-20T00:00:00Z",
    "ends_at": "2027-01-02T00:00:00Z",
    "verdict": "approve",
    "comment": "Better on every metric.",
    "reason": "Better on every metric.",
    "evidence_digest": "0" * 64,
    "requests": [{"model": "churn", "version": 3, "alias": "champion", "reason": "Better on every metric."}],
    "items": [{"request": 12, "evidence_digest": "0" * 64}],
    "metric": "epochs",
    "direction": "higher",
    "target": "Production",
    "outcome": "pass",
    "ratified": True,
    "ticket": "OPS-17",
    "password": "…",
    "check": "signature",
    "days": 14,
    "delegate": "erin",
    "note": "The drift report shows none.",
    "waiver": 3,
    "control": "drift",
    "enabled": True,
    "severity": "high",
    "seen": 0,
    "hold": 12,
    "format": "zip",
    "revision": 2,
    "section": "use",
    "body": "Who is called first, and by whom?",
    "step": "approve",
    "digest": "0" * 64,
    "If-Match": f'"{"0" * 64}"',
    "intended_use": "Supports the retention team in choosing whom to call first.",
    "values": {"intended_use": "Supports the retention team in choosing whom to call first."},
    "set": 0,
    "levels": {"language": {"high": "P"}},
    "username": "erin",
    "prefix": "3f9c02d41b7a",
    "form": "md",
    "sealed": "eyJ2ZXJzaW9uIjoyMX0:1sQm2K:Y29waWVkIGZyb20gdGhlIHByZXZpZXc",
    "text": "# Model card: fraud",
}


# What an example has to name although it may be left out.
NAMED = {"grants_create": ("group",), "requests_create": ("to_stage",), "models_rollback_list": ("stage",),
         "cards_edit": ("values",), "cards_replace": ("intended_use",)}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """What a value is: in words, then perhaps a shape that is described elsewhere on the page, or its choices."""

    words: str
    shape: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a body or of a shape."""

    name: str
    kind: Kind
    required: bool
    description: str
    where: str = ""  # of a parameter: path or query


@dataclass(frozen=True)
class Answer:
    """What an operation answers with one status."""

    status: str
    description: str
    kind: Kind | None


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[Answer, ...]

    def example(self, origin: str) -> str:
        """Return a curl call of this operation; `origin` is scheme and host."""
        needed = {where: self._samples(where) for where in ("path", "query")}
        query = f"?{urlencode(needed['query'], safe='@')}" if needed["query"] else ""
        address = origin + self.path.format(**needed["path"]) + query
        lines = [f"curl{'' if self.method == 'GET' else f' -X {self.method}'} '{address}'"]
        lines.append('-H "Authorization: Bearer $TOKEN"')
        lines += [f"-H '{name}: {value}'" for name, value in self._samples("header").items()]
        if self.body:
            also = NAMED.get(self.id, ())
            shown = [field for field in self.body if field.required or len(self.body) == 1 or field.name in also]
            sent = {field.name: SAMPLES[field.name] for field in shown}
            lines += ['-H "Content-Type: application/json"', f"-d '{json.dumps(sent)}'"]
        return " \\\n  ".join(lines)

    def _samples(self, where: str) -> dict[str, Any]:
        here = [field for field in self.parameters if field.where == where]
        also = NAMED.get(self.id, ())
        return {field.name: SAMPLES[field.name] for field in here if field.required or field.name in also}


@functools.cache
def schema() -> Schema:
    """Return the API's schema, the same for everybody. Generated once in a process."""
    return SchemaGenerator().get_schema(request=None, public=True)


@functools.cache
def operations() -> tuple[Operation, ...]:
    """Return every operation, in the order of tags and paths."""
    found = [
        _operation(path, method, operation)
        for path, methods in schema()["paths"].items()
        for method, operation in methods.items()
    ]
    return tuple(sorted(found, key=lambda operation: (operation.tag, operation.path, operation.method)))


@functools.cache
def shapes() -> dict[str, tuple[str, tuple[Field, ...]]]:
    """Return name → (description, fields) of each object in answers, or in rows of a body; no pages of results."""
    return {
        name: (shape.get("description", ""), _fields(shape))
        for name, shape in sorted(schema()["components"]["schemas"].items())
        if shape.get("type") == "object"
        and (name in _within_bodies() or not name.endswith("Request"))
        and not _is_page(name)
    }


@functools.cache
def _within_bodies() -> frozenset[str]:
    """Return the names of the objects that bodies hold: what is sent in rows."""
    return frozenset(field.kind.shape for operation in operations() for field in operation.body if field.kind.shape)


@login_required
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The reference of the API, as a page."""
    origin = f"{request.scheme}://{request.get_host()}"
    groups = [
        (tag, [(operation, operation.example(origin)) for operation in group])
        for tag, group in itertools.groupby(operations(), key=lambda operation: operation.tag)
    ]
    return render(request, "api/docs.html", {"groups": groups, "shapes": shapes(), "origin": origin})


def _operation(path: str, method: str, operation: Schema) -> Operation:
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        tag=operation["tags"][0],
        summary=operation["summary"],
        description=operation.get("description", ""),
        parameters=tuple(_parameter(parameter) for parameter in operation.get("parameters", ())),
        body=_fields(_resolved(_content(operation.get("requestBody", {})) or {})),
        answers=tuple(
            Answer(status, answer.get("description", ""), _answer_kind(_content(answer)))
            for status, answer in sorted(operation["responses"].items())
        ),
    )


def _parameter(parameter: Schema) -> Field:
    described = parameter["schema"] | {"description": parameter.get("description", "")}
    return Field(
        parameter["name"],
        kind_of(parameter["schema"]),
        parameter.get("required", False),
        _description(described),
        parameter["in"],
    )


def _fields(shape: Schema) -> tuple[Field, ...]:
    required = shape.get("required", ())
    return tuple(
        Field(name, kind_of(value), name in required, _description(value))
        for name, value in shape.get("properties", {}).items()
    )


def _content(message: Schema) -> Schema | None:
    """Return the schema of a body, or None when there is none."""
    content = message.get("content", {})
    return next(iter(content.values()))["schema"] if content else None


def _answer_kind(shape: Schema | None) -> Kind | None:
    if shape is None:
        return None
    name = shape.get("$ref", "").rpartition("/")[2]
    if _is_page(name):
        return Kind(str(_("page of")), kind_of(_resolved(shape)["properties"]["results"]["items"]).shape)
    return kind_of(shape)


def _is_page(name: str) -> bool:
    return name.startswith("Paginated")


def _resolved(shape: Schema) -> Schema:
    name = shape.get("$ref", "").rpartition("/")[2]
    return schema()["components"]["schemas"][name] if name else shape


def kind_of(shape: Schema) -> Kind:
    """Say what a schema stands for."""
    parts = shape.get("allOf") or shape.get("oneOf")
    if parts:
        return _or_null(kind_of(parts[0]), shape.get("nullable", False))
    target = _resolved(shape)
    if "enum" in target:
        kind = Kind(str(_("one of")), choices=tuple(str(choice) for choice in target["enum"]))
    elif "$ref" in shape:
        kind = Kind("", shape=shape["$ref"].rpartition("/")[2])
    elif target.get("type") == "array":
        item = kind_of(target["items"])
        kind = Kind(" ".join([str(_("list of")), item.words]).strip(), item.shape, item.choices)
    else:
        kind = Kind(_simple(target))
    return _or_null(kind, shape.get("nullable", False))


def _or_null(kind: Kind, nullable: bool) -> Kind:
    if not nullable:
        return kind
    return Kind(str(_("null or %s") % kind.words).strip(), kind.shape, kind.choices)


def _simple(shape: Schema) -> str:
    """Name a plain value with its bounds: "whole number, 1 to 10", "text, at most 250 characters"."""
    kind, form = shape.get("type", ""), shape.get("format", "")
    words = str(WORDS.get((kind, form)) or WORDS.get((kind, "")) or _("any value"))
    low, high, longest = shape.get("minimum"), shape.get("maximum"), shape.get("maxLength")
    if low is not None and high is not None and high < 2**31 - 1:
        return words + str(_(", %(low)d to %(high)d") % {"low": low, "high": high})
    if low in (0, 1):
        return words + str(_(", from %d") % low)
    return words + str(_(", at most %d characters") % longest) if longest else words


def _description(shape: Schema) -> str:
    """Return the description without the list of choices that drf-spectacular adds to it."""
    text = shape.get("description", "")
    lines = [line for line in text.splitlines() if not line.startswith("* `")]
    default = shape.get("default")
    if default not in (None, ""):
        lines.append(str(_("Default: %s.") % json.dumps(default).strip('"')))
    return " ".join(line for line in lines if line)
