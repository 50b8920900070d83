"""The JSON Schema (2020-12) of `assent.card/1`, made from the table of fields. Pure.

It describes documents as we write them. What we read is wider: numbers for text, other names of a field, and plainer
shapes such as {metric: value}; what a whole card may weigh is judged when it is saved.
"""

from typing import Any

from django.utils import translation

from apps.modelcards.content import MARKS, MAX_BYTES, STATES, State
from apps.modelcards.schema.fields import FIELDS, SCHEMA, Field
from apps.modelcards.schema.kinds import MAX_CELLS, MAX_LINE, MAX_PROSE, MAX_ROWS, Kind, Part

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLAIN_LINE = r"^[^\u0000-\u0008\u000a-\u001f\u007f-\u009f\ud800-\udfff]*$"
PLAIN_PROSE = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff]*$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
LINE: dict[str, Any] = {"type": "string", "maxLength": MAX_LINE, "pattern": PLAIN_LINE}
PROSE: dict[str, Any] = {"type": "string", "maxLength": MAX_PROSE, "pattern": PLAIN_PROSE}


def json_schema(address: str = "") -> dict[str, Any]:
    """Return the schema, with English titles. `address`: where it is published, which is its name."""
    with translation.override("en"):
        fields = {field.name: _of_field(field) for field in FIELDS}
        states = {field.name: _state(field) for field in FIELDS}
    return {
        "$schema": DIALECT,
        **({"$id": address} if address else {}),
        "title": f"Model card {SCHEMA}",
        "$comment": f"As canonical JSON at most {MAX_BYTES} bytes. Numbers are written as text, so none is rounded.",
        "type": "object",
        "properties": {
            "$schema": {"type": "string"},
            "schema": {"const": SCHEMA},
            **fields,
            STATES: {
                "type": "object", "title": "How far each field is settled", "properties": states,
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    }  # fmt: skip


def _of_field(field: Field) -> dict[str, Any]:
    described = {"title": str(field.label)} | ({"description": str(field.hint)} if field.hint else {})
    return described | _of_kind(field.kind, field.parts, field.options)


def _of_kind(kind: Kind, parts: tuple[Part, ...] = (), options: Any = (), cells: int = MAX_ROWS) -> dict[str, Any]:
    match kind:
        case Kind.LINE:
            return LINE
        case Kind.PROSE:
            return PROSE
        case Kind.DATE:
            return {"type": "string", "format": "date", "pattern": DAY}
        case Kind.CHOICE:
            return {"enum": [name for name, _label in options]}
        case Kind.ITEMS:
            return {"type": "array", "items": PROSE, "maxItems": MAX_ROWS}
        case Kind.MAPPING:
            return {"type": "object", "propertyNames": LINE, "additionalProperties": PROSE, "maxProperties": cells}
        case Kind.RECORD:
            return _record(parts)
        case Kind.RECORDS:
            return {"type": "array", "items": _record(parts), "maxItems": MAX_ROWS}


def _record(parts: tuple[Part, ...]) -> dict[str, Any]:
    properties = {}
    for part in parts:
        described = {"title": str(part.label)} | ({"description": str(part.hint)} if part.hint else {})
        properties[part.name] = described | _of_kind(part.kind, options=part.options, cells=MAX_CELLS)
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _state(field: Field) -> dict[str, Any]:
    """Return what may be said of how a field stands; only some may lack, and that takes a reason."""
    fact = _of_kind(field.kind, field.parts, field.options)
    marks = {name: PROSE if kind is Kind.PROSE else LINE for name, kind in MARKS.items() if name != "state"}
    override = {
        "type": "object",
        "properties": {"reason": PROSE, "by": LINE, "at": LINE, "fact": fact},
        "required": ["reason"], "additionalProperties": False,
    }  # fmt: skip
    said = [state.value for state in State if state is not State.NOT_APPLICABLE or field.may_lack]
    found: dict[str, Any] = {
        "type": "object", "properties": {"state": {"enum": said}, **marks, "override": override},
        "required": ["state"], "additionalProperties": False,
    }  # fmt: skip
    if field.may_lack:
        lacks = {"properties": {"state": {"const": State.NOT_APPLICABLE.value}}}
        found |= {"if": lacks, "then": {"required": ["reason"], "properties": {"reason": {"minLength": 1}}}}
    return found
