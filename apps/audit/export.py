"""The trail as JSON lines: one event per line, from the first, so that anybody can verify it without the database."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from apps.audit.chain import FIELDS, canonical_json, event_content
from apps.audit.models import AuditEvent

KEYS = {*FIELDS, "at", "previous_hash", "hash"}


class UnreadableLineError(Exception):
    """A line that no export wrote."""


def to_line(event: AuditEvent) -> str:
    """Return one event as canonical JSON: what is hashed, and the two hashes."""
    return canonical_json({**event_content(event), "previous_hash": event.previous_hash, "hash": event.hash})


def from_lines(lines: Iterable[str]) -> Iterator[Any]:
    """Yield the events of an export, one at a time. Raises UnreadableLineError, naming the line."""
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line, object_pairs_hook=_object)
            if not isinstance(values, dict) or values.keys() != KEYS:
                raise ValueError("not exactly the fields of an event")
            values["at"] = _aware(values["at"])
        except (ValueError, TypeError, RecursionError) as error:
            raise UnreadableLineError(f"Line {number} is not an exported event: {error}.") from error
        yield SimpleNamespace(**values)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a repeated name: readers differ in which value they take."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment
