"""The only writer of the trail."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit import chain, context
from apps.audit.actions import Action, Outcome, Source
from apps.audit.models import AuditEvent, ChainHead
from apps.errors import DomainError, UpstreamUnavailable
from apps.masking import masked

MAX_TEXT = 10_000
LIFTED = ("on_behalf_of", "evidence_digest")  # of an event's data: what readers look for has a column of its own
BATCH = 500


@dataclass(frozen=True)
class Actor:
    """Who acts, as text: a user name, or `system:<part>`; with the role held at that moment."""

    name: str
    role: str = ""


@dataclass
class Target:
    """What is acted upon. `model_id` is the mirror's registered model, which decides who may read the event."""

    type: str
    name: str
    model_id: int | None = None


@dataclass(frozen=True)
class Entry:
    """What one event will say; see `record`."""

    action: Action
    by: Actor
    target: Target
    reason: str = ""
    outcome: Outcome = Outcome.DONE
    source: Source | None = None
    data: dict[str, Any] = field(default_factory=dict)


def record(
    action: Action,
    *,
    by: Actor,
    target: Target,
    reason: str = "",
    outcome: Outcome = Outcome.DONE,
    source: Source | None = None,
    **data: Any,
) -> AuditEvent:
    """Append one event inside the caller's transaction; rolled back with it.

    `data` must be JSON; what the databases would not give back the same is adapted first (chain.storable). The chain's
    head is locked until the caller's transaction ends: record late, and never before a call over the network.
    Raises RuntimeError outside a transaction: a write and its event stand or fall together.
    """
    return record_all([Entry(action, by, target, reason, outcome, source, data)])[0]


def record_all(entries: Iterable[Entry]) -> list[AuditEvent]:
    """Append events in this order, in as few queries as one takes. Otherwise as `record`."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("audit.record needs an open transaction")
    entries = list(entries)
    if not entries:
        return []
    head, _ = ChainHead.objects.select_for_update().get_or_create(id=1)
    events = []
    for entry in entries:
        event = _event(entry, head)
        event.hash = chain.event_hash(head.last_hash, chain.event_content(event))
        head.last_id, head.last_hash = event.id, event.hash
        events.append(event)
    AuditEvent.objects.bulk_create(events, batch_size=BATCH)
    head.save(update_fields=["last_id", "last_hash"])
    return events


def _event(entry: Entry, head: ChainHead) -> AuditEvent:
    origin = context.current()
    return AuditEvent(
        id=head.last_id + 1,
        at=timezone.now(),
        action=Action(entry.action).value,
        outcome=Outcome(entry.outcome).value,
        source=Source(entry.source or origin.source).value,
        actor=_text(entry.by.name),
        actor_role=_text(entry.by.role),
        model_id=entry.target.model_id,
        target_type=entry.target.type,
        target=_text(entry.target.name),
        reason=_text(entry.reason),
        data=chain.storable(masked(entry.data)),
        request_id=origin.request_id[:36],
        address=origin.address[:45],
        token_prefix=origin.token_prefix[:32],
        token_name=_text(origin.token_name),
        **{name: _said(entry.data, name) for name in LIFTED},
        previous_hash=head.last_hash,
    )


@dataclass
class Attempt:
    """An attempt under way. The service sets `target` as soon as it knows it, and `done()` when it has written."""

    action: Action
    by: Actor
    target: Target
    data: dict[str, Any] = field(default_factory=dict)
    recorded: bool = False

    def done(self, *, reason: str = "", **data: Any) -> AuditEvent:
        """Record the success, in the open transaction."""
        self.recorded = True
        return record(self.action, by=self.by, target=self.target, reason=reason, **{**self.data, **data})


@contextmanager
def attempt(action: Action, *, by: Actor, target: Target, **data: Any) -> Iterator[Attempt]:
    """Run a write in one transaction of its own, and record how it ended.

    Success: the service calls `done()` inside, so that write and event commit together (RuntimeError if it forgets).
    A DomainError: everything rolls back, then the refusal is recorded in a transaction of its own, and the error goes
    on. Any other error is a bug: everything rolls back and nothing is recorded.
    """
    trial = Attempt(action, by, target, data)
    try:
        with transaction.atomic(durable=True):
            yield trial
            if not trial.recorded:
                raise RuntimeError(f"{action} was written without an audit event")
    except DomainError as error:
        outcome = Outcome.FAILED if isinstance(error, UpstreamUnavailable) else Outcome.REFUSED
        with transaction.atomic(durable=True):
            data = {**trial.data, "code": error.code}
            record(trial.action, by=trial.by, target=trial.target, reason=error.message, outcome=outcome, **data)
        raise


def _text(value: str) -> str:
    """Return a text of any origin without credentials, as the databases can hold it, cut to a bounded length."""
    return chain.storable_text(masked(str(value))[:MAX_TEXT])


def _said(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return _text(value) if isinstance(value, str) else ""
