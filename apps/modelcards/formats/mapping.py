"""A foreign form as a table of entries, each read and written; what does not come out again the same is kept. Pure.

An export writes what the form has words for, and the fields that would come back otherwise as they are, in a place of
their own. An import takes those first, then reads the rest, and writes the card again: a part of the document that
this does not give back is kept beside the fields, so nothing is dropped.
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from apps.modelcards import content as cards
from apps.modelcards.formats.base import Gathered, taken_from
from apps.modelcards.schema.fields import BY_NAME, FIELDS
from apps.modelcards.schema.kinds import Refused

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One place of a document. `read` gives {field: value} of what stands there, `write` what stands there of a card.

    `read` may raise what reading an unexpected shape raises: the place is then kept as it is. `also` is another way in
    which the same may be written.
    """

    path: tuple[str, ...]
    fields: tuple[str, ...]
    read: Callable[[Any], dict[str, Any]]
    write: Callable[[Values], Any]
    also: Callable[[Values], Any] | None = None


def line(field: str, *path: str) -> Entry:
    """Return the entry of a field that a form has as a text of its own."""
    return Entry(path, (field,), lambda raw: {field: text(raw)}, lambda values: values.get(field))


def text(raw: Any) -> str:
    """Return a text. Raises TypeError for anything else."""
    if not isinstance(raw, str):
        raise TypeError
    return raw


def texts(raw: Any) -> list[str]:
    """Return a list of texts; one text is a list of it. Raises TypeError for anything else."""
    return [text(item) for item in as_list(raw)]


def as_list(raw: Any) -> list[Any]:
    """Return a list as it is, nothing as an empty one, and anything else as a list of it."""
    return raw if isinstance(raw, list) else [] if raw is None else [raw]


def objects(raw: Any) -> list[dict[str, Any]]:
    """Return a list of objects. Raises TypeError for anything else."""
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise TypeError
    return raw


def write(entries: tuple[Entry, ...], values: Values) -> dict[str, Any]:
    """Return the document that entries make of a card, without what is empty."""
    found: dict[str, Any] = {}
    for entry in entries:
        raw = entry.write(values)
        if raw in (None, "", [], {}):
            continue
        holder = found
        for name in entry.path[:-1]:
            holder = holder.setdefault(name, {})
        holder[entry.path[-1]] = raw
    return found


def residual(entries: tuple[Entry, ...], values: Values) -> dict[str, Any]:
    """Return {field: value} of what would not come back by the entries; None: a field that would come from nothing."""
    found = Gathered()
    _read(entries, write(entries, values), {}, found)
    names = [field.name for field in FIELDS if field.name in values or field.name in found.values]
    return {name: values.get(name) for name in names if found.values.get(name) != values.get(name)}


def read(entries: tuple[Entry, ...], document: dict[str, Any], own: dict[str, Any], found: Gathered) -> None:
    """Put what a document says into `found`. `own`: fields as they are, from the place of their own."""
    document = deepcopy(document)
    raws = _read(entries, document, own, found)
    for entry, raw in raws:
        ways = [plain(way(found.values)) for way in (entry.write, entry.also) if way]
        if plain(raw) not in ways:
            found.keep_rest(raw, ".".join(entry.path))
    found.keep_rest(document)


def plain(value: Any) -> Any:
    """Return a value as it is compared: numbers as text, no order of lists, nothing of what is empty."""
    if isinstance(value, dict):
        return {name: item for name, raw in value.items() if (item := plain(raw)) not in ("", [], {})}
    if isinstance(value, list):
        return sorted((plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if value is None or isinstance(value, str):
        return (value or "").strip()
    return json.dumps(value)


def _read(
    entries: tuple[Entry, ...], document: dict[str, Any], own: dict[str, Any], found: Gathered
) -> list[tuple[Entry, Any]]:
    """Take every entry out of a document; what stands in `own` is believed before it. Return what stood where."""
    raws = [(entry, raw) for entry in entries if (raw := taken_from(document, *entry.path)) is not None]
    found.values |= {name: value for name, value in own.items() if value is not None}
    for entry, raw in raws:
        try:
            said = entry.read(raw)
        except (TypeError, ValueError, KeyError, AttributeError):
            continue
        for name, value in said.items():
            if name not in own and name not in found.values and (kept := _kept(name, value)) is not None:
                found.values[name] = kept
    return raws


def _kept(name: str, value: Any) -> Any:
    try:
        return cards.value_from(BY_NAME[name], value)
    except Refused:
        return None
