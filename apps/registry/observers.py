"""What MLflow changed by itself, told to whoever must know, in the transaction that mirrors it.

An app above the registry registers a function here (`observes`), as it registers the handlers of its jobs. What Assent
itself writes to MLflow is not told: stages.py settles it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from apps.registry.models import ModelVersion, RegisteredModel


class Changed(StrEnum):
    """What kind of thing changed."""

    STAGE = "stage"  # of a version that is mirrored, or of a new one that came with a stage
    ALIAS = "alias"  # set, moved or removed; before and after are version numbers or None
    DETAILS = "details"  # what a version says of itself, once it had been read: run, metrics, files, texts, tags
    ARTIFACTS = "artifacts"  # before and after are artifact digests
    RUN = "run"  # that made a version was deleted or is gone; before and after say how it is kept (keeping.RunKept)
    DELETED = "deleted"  # a version; before is its stage, after None
    RETURNED = "returned"  # a version that was gone; before is the stage that it had, after the one that it has


@dataclass(frozen=True)
class Change:
    """One change, after it was written to the mirror. `details` is JSON: what more is known."""

    what: Changed
    model: RegisteredModel
    version: ModelVersion | None  # None: an alias that points nowhere now
    before: Any
    after: Any
    alias: str = ""
    details: dict[str, Any] | None = None


Observer = Callable[[list[Change]], None]
_observers: list[Observer] = []


def observes(observer: Observer) -> Observer:
    """Register a function that is called with what changed, inside the transaction; what it raises undoes both."""
    _observers.append(observer)
    return observer


def tell(changes: list[Change]) -> None:
    """Call every observer. For the writers of the mirror."""
    if changes:
        for observer in _observers:
            observer(changes)
