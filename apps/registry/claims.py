"""Which changes that a reading finds are somebody's own, made through Assent, and which are MLflow's.

    with claimed(Claim(actor, {(Action.MODEL_CHANGED, None)})):
        ...  # bring the mirror up to date

Only what is claimed is recorded as theirs: whatever else is found in the same reading happened behind Assent's back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from apps.audit.actions import Action
from apps.audit.services import Actor

ANY = -1  # in place of a version's number: whichever


@dataclass(frozen=True)
class Claim:
    """Who did what: actions with the number of the version that they are about, None for the model itself."""

    by: Actor
    what: frozenset[tuple[Action, int | None]]

    def covers(self, action: Action, number: int | None) -> bool:
        """Return whether an event is theirs."""
        return (action, number) in self.what or (number is not None and (action, ANY) in self.what)


_claim: ContextVar[Claim | None] = ContextVar("registry_claim", default=None)


def current() -> Claim | None:
    """Return the claim that stands now."""
    return _claim.get()


@contextmanager
def claimed(claim: Claim | None) -> Iterator[None]:
    """Let a claim stand inside."""
    token = _claim.set(claim)
    try:
        yield
    finally:
        _claim.reset(token)
