"""The filtered trail as a file, in constant memory: JSON lines or a table, with a manifest as its last line.

An export is itself recorded: at its start who asks for what, at its end how much was sent and its digest. One that was
broken off is recorded as failed; one whose process was killed has a start and no end.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit import chain, context, filters, moments, queries
from apps.audit.actions import Action, Outcome
from apps.audit.manifest import FORMAT, Head, export_lines, signed
from apps.audit.models import AuditEvent
from apps.audit.proof import keys
from apps.audit.services import Actor, Target, record
from apps.cells import line
from apps.errors import NotAllowed

BATCH = 500
TRAIL = Target("trail", "trail")
COLUMNS = ("id", "at", *(name for name in chain.FIELDS if name != "id"), "previous_hash", "hash")
LAST_OF_TABLE = "manifest"  # the first cell of a table's last line; the second is the manifest
Lines = Callable[[Iterable[AuditEvent], Mapping[str, Any]], Iterator[str]]


def export(values: Mapping[str, Any], chosen: Mapping[str, Any], *, by: Any, form: str) -> Iterator[str]:
    """Record that `by` exports, and return the lines of the file: what they may read of what fits, oldest first.

    `values` are the parsed filters (`filters.condition`), `chosen` the same as they were asked, for the manifest;
    `form` is "jsonl" or "csv". The trail is exported as it stands now: the start of this export is its last event.
    Whoever loses the right to read in the middle gets no more: NotAllowed breaks the file off, without a manifest.
    The manifest is signed with the key of the trail; raises WrongState, and records nothing, when it cannot be opened.
    """
    actor = import_string(settings.AUDIT_ACTOR)(by)
    with transaction.atomic():
        start = record(Action.AUDIT_EXPORT_STARTED, by=actor, target=TRAIL, filters=dict(chosen), format=form)
        signer = keys.signer()
    whole = queries.reads_everything(by)
    said = {
        "by": actor.name,
        "head": Head(start.id, start.hash),
        "filters": dict(chosen),
        "filtered": bool(chosen) or not whole,
        "signer": signer,
    }
    events = _events(by, values, start.id, whole)
    return _recorded(FORMS[form](events, said), start, actor, context.current())


def _events(by: Any, values: Mapping[str, Any], last: int, whole: bool) -> Iterator[AuditEvent]:
    """Yield what fits, in ascending order up to number `last`, asking anew for each batch who may read what."""
    wanted = filters.condition(values)
    low, high = moments.numbers_within(values.get("since"), values.get("until"))
    seen, last = low - 1, last if high is None else min(last, high - 1)
    while True:
        person = get_user_model()._default_manager.filter(pk=by.pk).first()
        if person is not None:
            person.bounds = by.bounds  # those of the token that asked
        if person is None or not person.is_active or queries.reads_everything(person) != whole:
            raise NotAllowed("What this person may read has changed since the export began. Ask for it anew.")
        rows = list(queries.visible_events(person).filter(wanted, id__gt=seen, id__lte=last).order_by("id")[:BATCH])
        yield from rows
        if len(rows) < BATCH:
            return
        seen = rows[-1].pk


def _recorded(lines: Iterator[str], start: AuditEvent, by: Actor, origin: context.Origin) -> Iterator[str]:
    """Pass the lines on, and record how it ended: whole, or broken off by whoever read or by an error."""
    sent, digest, ended = 0, hashlib.sha256(), False
    try:
        for text in lines:
            yield text
            digest.update(text.encode())
            sent += 1
        ended = True
    finally:
        outcome = Outcome.DONE if ended else Outcome.FAILED
        data: dict[str, Any] = {"export": start.id, "lines": sent, "sha256": digest.hexdigest()}
        with context.came_through(origin), transaction.atomic():
            record(Action.AUDIT_EXPORTED, by=by, target=TRAIL, outcome=outcome, **data)


def json_lines(events: Iterable[AuditEvent], said: Mapping[str, Any]) -> Iterator[str]:
    """Yield events as they are sealed, then the manifest; `said` is what the manifest says."""
    return export_lines(events, **said)


def table_lines(events: Iterable[AuditEvent], said: Mapping[str, Any]) -> Iterator[str]:
    """Yield the same as a table whose cells no spreadsheet takes for a formula, with the manifest in the last line."""
    digest, count, first, last = hashlib.sha256(), 0, None, None
    head = line(COLUMNS)
    digest.update(head.encode())
    yield head
    for event in events:
        first, last, count = first or event.pk, event.pk, count + 1
        row = line(_cells(event))
        digest.update(row.encode())
        yield row
    manifest = {
        "format": FORMAT,
        "first": first,
        "last": last,
        "count": count,
        "filtered": said["filtered"],
        "filters": said["filters"],
        "head": {"id": said["head"].id, "hash": said["head"].hash},
        "sha256": digest.hexdigest(),
        "exported_at": chain.format_time(timezone.now()),
        "exported_by": said["by"],
    }
    yield line([LAST_OF_TABLE, chain.canonical_json(signed(manifest, said["signer"]))])


def _cells(event: AuditEvent) -> Iterator[Any]:
    for name in COLUMNS:
        value = getattr(event, name)
        if name == "at":
            yield chain.format_time(value)
        else:
            yield json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, (dict, list)) else value


FORMS: dict[str, Lines] = {"jsonl": json_lines, "csv": table_lines}
CONTENT_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
