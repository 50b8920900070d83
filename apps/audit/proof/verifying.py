"""Verifying the trail in the database, and an exported file by the program that strangers run."""

import base64
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from django.conf import settings

from apps.audit.chain import FIELDS, LATER_FIELDS, verify
from apps.audit.manifest import present_head
from apps.audit.models import AuditEvent
from apps.audit.proof import checkpoints

PROGRAM = Path(settings.BASE_DIR) / "static" / "cli" / "verify_audit.py"
COLUMNS = (*FIELDS, "at", *LATER_FIELDS, "previous_hash", "hash")
BATCH = 5000


@dataclass(frozen=True)
class Verdict:
    """How many events fit, the hash of the last one, what is wrong (None: nothing), and what to know besides."""

    count: int
    last_hash: str
    misfit: str | None
    remarks: tuple[str, ...] = ()


def verify_database(public_keys: Iterable[str] = ()) -> Verdict:
    """Verify the table of events, that its end is where the head of the chain says, and every checkpoint.

    `public_keys` as the program's `--public-key`: what must have signed. Raises ValueError for what is no key.
    """
    verifier = program()
    try:
        keys, names = verifier.pinned(tuple(public_keys))
    except verifier.Unusable as error:
        raise ValueError(str(error)) from error
    made = checkpoints.made_so_far()  # checkpoints and head first: events may be added meanwhile
    head = present_head()
    marks = made.values_list("event_id", "hash").iterator(chunk_size=BATCH)
    found = verify(all_events(), head=(head.id, head.hash), marks=marks)
    if found.misfit:
        return Verdict(found.count, found.last_hash, found.misfit)
    given = {name: base64.b64encode(key).decode() for name, key in keys.items()}
    signed = checkpoints.check_signatures(made.iterator(chunk_size=BATCH), given, names)
    return Verdict(found.count, found.last_hash, signed.misfit, (_remark(signed.up_to, found.count, bool(names)),))


def verify_file(name: str, public_keys: Iterable[str] = ()) -> Verdict:
    """Verify an export. Raises ValueError when the file cannot be read, or for what is no key."""
    verifier = program()
    try:
        report = verifier.verify(name, tuple(public_keys))
    except verifier.Unusable as error:
        raise ValueError(str(error)) from error
    misfit = report.misfit and verifier.plain(report.misfit)  # parts of it stand in the file
    return Verdict(report.count, report.last_hash, misfit, tuple(map(verifier.plain, report.remarks)))


def all_events(batch: int = BATCH) -> Iterator[Any]:
    """Yield every event's columns by its number, a batch at a time: no cursor and no transaction stays open."""
    last, found = 0, None
    rows = AuditEvent.objects.order_by("id").values_list(*COLUMNS, named=True)
    while found is None or len(found) == batch:
        found = list(rows.filter(id__gt=last)[:batch])
        yield from found
        last = found[-1].id if found else last


@cache
def program() -> ModuleType:
    """Return the program that anybody verifies an export with, as a module."""
    spec = importlib.util.spec_from_file_location("verify_audit", PROGRAM)
    if spec is None or spec.loader is None:
        raise ImportError(f"{PROGRAM} is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _remark(up_to: int, count: int, named: bool) -> str:
    if not up_to:
        return "No checkpoint: nothing is signed. Make one with manage.py checkpoint_audit."
    key = "the key that you gave" if named else "keys that are kept in this database"
    return f"Signed up to event {up_to} with {key}. {count - up_to} events after it rest on the chain alone."
