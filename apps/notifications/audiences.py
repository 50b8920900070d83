"""Who is told of which event. An app registers here what concerns its people, when it is loaded.

    @tells(Action.REQUEST_OPENED)
    def reviewers(event: AuditEvent) -> Iterable[Message]: ...

Nobody is told twice of one event, of a model that they may not read, or of what they did themselves, but for what a
thief would do under their name (`themselves`): see outbox.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.notifications.models import Kind


@dataclass(frozen=True)
class Message:
    """What one person is told. `text` is marked with gettext_noop, and translated when it is shown, with `values`."""

    user_id: int
    text: str
    url: str  # a path on this server
    kind: Kind
    values: dict[str, Any] = field(default_factory=dict)
    themselves: bool = False  # told also to whoever did it


Audience = Callable[[AuditEvent], Iterable[Message]]
_audiences: dict[tuple[str, str], list[Audience]] = {}


def tells(*actions: Action, outcome: Outcome = Outcome.DONE) -> Callable[[Audience], Audience]:
    """Register a function that says who is told of events with these actions and this outcome."""

    def register(audience: Audience) -> Audience:
        for action in actions:
            _audiences.setdefault((action.value, outcome.value), []).append(audience)
        return audience

    return register


def told_actions() -> frozenset[str]:
    """Return the actions of which somebody may be told."""
    return frozenset(action for action, _outcome in _audiences)


def messages(event: AuditEvent) -> list[Message]:
    """Return what is to be told of an event: the first message for each person."""
    found: dict[int, Message] = {}
    for audience in _audiences.get((event.action, event.outcome), []):
        for message in audience(event):
            found.setdefault(message.user_id, message)
    return list(found.values())
