"""An export with its manifest: the last line says what the file holds and how it was chosen, and is signed.

The lines of a file: events as canonical JSON, the lowest number first; then, where there are any, the checkpoints and
the public keys that check them; at last the manifest. In a file that leaves events out, lists of number and hash stand
before the events that they name: the chain does not hold together what has gaps, but what was signed as a whole names
each event, so that the first one that does not fit can be told. docs/audit.md describes them for readers.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.utils import timezone

from apps.audit.chain import FIRST_HASH, canonical_json, format_time
from apps.audit.export import to_line
from apps.audit.models import AuditEvent, ChainHead, Checkpoint
from apps.audit.proof import checkpoints
from apps.audit.proof.keys import Signer

FORMAT = "assent-audit/1"
LISTED = "assent-audit/2"  # the same, with lists before the events
LISTED_AT_ONCE = 500


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
    signer: Signer | None = None,
    checkpoint: Checkpoint | None = None,
) -> Iterator[str]:
    """Yield the lines of an export, each with its newline, in constant memory.

    `events` ascend by number; those after `head` (default: where the chain stands when the first line is asked for)
    are left out. `by` is the user name of whoever exports, or `system:<part>`. `filters` are what was asked for, as
    JSON or text; `filtered` is whether events may be missing: by default when there are filters, and to be set when the
    person may not read every event. `at` is the moment that the manifest names (default: now). `signer` signs the
    manifest, and with it the file; `checkpoint` stands in the file instead of all that there are up to `head`.
    """
    head = head or present_head()
    chosen = {name: _plain(value) for name, value in (filters or {}).items() if value not in (None, "")}
    filtered = bool(chosen) if filtered is None else filtered
    written, listed = _Written(), filtered and signer is not None
    for part in _in_parts(events, LISTED_AT_ONCE if listed else 1):
        known = [event for event in part if event.id <= head.id]
        if listed and known:
            yield written.line(canonical_json({"listed": [[event.id, event.hash] for event in known]}))
        yield from map(written.event, known)
        if len(known) < len(part):
            break
    key_id = signer.key_id if signer else ""
    notes = checkpoints.lines_of([checkpoint], key_id) if checkpoint else checkpoints.export_lines(head.id, key_id)
    yield from map(written.line, notes)
    said = {
        "format": LISTED if listed else FORMAT,
        **written.said(),
        "filtered": filtered,
        "filters": chosen,
        "head": {"id": head.id, "hash": head.hash},
        "exported_at": format_time(at or timezone.now()),
        "exported_by": by,
    }
    yield canonical_json({"manifest": signed(said, signer)}) + "\n"


def signed(said: dict[str, Any], signer: Signer | None) -> dict[str, Any]:
    """Return what is said with the name of the key and the signature over all of it; without a signer as it is."""
    if signer is None:
        return said
    said = {**said, "key_id": signer.key_id}
    return {**said, "signature": signer.sign(canonical_json(said).encode())}


def _in_parts(events: Iterable[AuditEvent], size: int) -> Iterator[list[AuditEvent]]:
    found = iter(events)
    while part := list(islice(found, size)):
        yield part


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

    def said(self) -> dict[str, Any]:
        return {"first": self.first, "last": self.last, "count": self.count, "sha256": self.digest.hexdigest()}


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, list, dict)) else str(value)
