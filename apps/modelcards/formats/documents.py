"""Cards as JSON: ours, whole and canonical, and plain, as our users' older cards are. Pure."""

import json
from typing import Any

from apps.modelcards import content as cards
from apps.modelcards.content import ENVELOPE, STATES, Content
from apps.modelcards.formats.base import Gathered, Loss, Taken, object_of
from apps.modelcards.schema.fields import FIELDS, Field
from apps.modelcards.schema.kinds import Kind, Refused


def ours(content: Content) -> bytes:
    """Return a card as the JSON of its schema: everything, with how each field stands."""
    return _written(cards.document(content))


def plain(content: Content) -> bytes:
    """Return a card as the fields by name, each in the plainest shape that reads back the same; no states."""
    return _written(plain_document(content))


def plain_document(content: Content) -> dict[str, Any]:
    """Return the same as an object."""
    return {field.name: plainest(field, content.values[field.name]) for field in FIELDS if field.name in content.values}


def plainest(field: Field, value: Any) -> Any:
    """Return the plainest shape of a value that is read as the same value: lists of text, {metric: value}."""
    if field.kind is not Kind.RECORDS:
        return value
    return next((shape for shape in _shapes(field, value) if _reads_as(field, shape, value)), value)


def read(data: Any) -> Taken:
    """Return the card that an object of fields says, ours or plain; what is no field goes to `extra`.

    Raises Unreadable, and CardRefused naming every field at fault.
    """
    given = object_of(data)
    found = Gathered()
    known = {name: item for name, item in given.items() if name in ENVELOPE or cards.named(name)}
    found.keep_rest({name: item for name, item in given.items() if name not in known})
    if found.extra and isinstance(known.get("extra") or {}, dict):
        known["extra"] = Gathered({"extra": known.get("extra") or {}}, found.extra).document()["extra"]
    return Taken(cards.from_document(known), tuple(found.losses))


def without_states(content: Content) -> tuple[Loss, ...]:
    """Return what a form loses that keeps values and not how they stand."""
    return tuple(Loss(f"{STATES}.{field.name}") for field in FIELDS if field.name in content.states)


def _shapes(field: Field, rows: list[dict[str, Any]]) -> list[Any]:
    first, second = field.parts[0].name, field.parts[1].name
    shapes: list[Any] = []
    if all(set(row) == {first} for row in rows):
        shapes.append([row[first] for row in rows])
    if all(set(row) == {first, second} for row in rows):
        shapes.append({row[first]: row[second] for row in rows})
    if len(rows) == 1 and "details" in rows[0]:
        own = {name: text for name, text in rows[0].items() if name != "details"}
        shapes.append({**own, **rows[0]["details"]})
    return shapes


def _reads_as(field: Field, shape: Any, value: Any) -> bool:
    try:
        return bool(cards.value_from(field, shape) == value)
    except Refused:
        return False


def _written(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode()
