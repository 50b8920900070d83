"""An export with its manifest: the last line says what the file holds and how it was chosen.

The lines of a file: events as canonical JSON, the lowest number first; then, where there are any, the checkpoints and
the public keys that check them; at last the manifest. docs/api.md describes them for readers.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.audit.chain import FIRST_HASH, canonical_json, format_time
from apps.audit.export import to_line
from apps.audit.models import AuditEvent, ChainHead
from apps.audit.proof import checkpoints

FORMAT = "assent-audit/1"


@dataclass(frozen=True)
class Head:
    """Where the chain stands: the last event's number (0: there is none) and hash."""

    id: int
    hash: str


def present_head() -> Head:
    """Return where the chain stands now: every event up to it is committed."""
    found = ChainHead.objects.filter(id=1).values_list("last_id", "last_hash").first()
    return Head(*(found or (0, FIRST_HASH)))


def export_lines(
    events: Iterable[AuditEvent],
    *,
    by: str,
    head: Head | None = None,
    filters: Mapping[str, Any] | None = None,
    filtered: bool | None = None,
    at: datetime | None = None,
    signed: bool = True,
) -> Iterator[str]:
    """Yield the lines of an export, each with its newline, in constant memory.

    `events` ascend by number; those after `head` (default: where the chain stands when the first line is asked for)
    are left out. `by` is the user name of whoever exports, or `system:<part>`. `filters` are what was asked for, as
    JSON or text; `filtered` is whether events may be missing: by default when there are filters, and to be set when the
    person may not read every event. `at` is the moment that the manifest names (default: now); without `signed`, the
    checkpoints are left out.
    """
    head = head or present_head()
    written = _Written()
    for event in events:
        if event.id > head.id:
            break
        yield written.event(event)
    for line in checkpoints.export_lines(head.id) if signed else ():
        yield written.line(line)
    chosen = {name: _plain(value) for name, value in (filters or {}).items() if value not in (None, "")}
    content = {
        "format": FORMAT,
        "first": written.first,
        "last": written.last,
        "count": written.count,
        "filtered": bool(chosen) if filtered is None else filtered,
        "filters": chosen,
        "head": {"id": head.id, "hash": head.hash},
        "sha256": written.digest.hexdigest(),
        "exported_at": format_time(at or timezone.now()),
        "exported_by": by,
    }
    yield canonical_json({"manifest": content}) + "\n"


class _Written:
    """What was written so far."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.first: int | None = None
        self.last: int | None = None
        self.count = 0

    def event(self, event: AuditEvent) -> str:
        self.first = event.id if self.first is None else self.first
        self.last = event.id
        self.count += 1
        return self.line(to_line(event))

    def line(self, text: str) -> str:
        text += "\n"
        self.digest.update(text.encode())
        return text


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, list, dict)) else str(value)
