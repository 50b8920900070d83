"""The mirror follows a write through the door in the same request, with the caller as whoever did it.

What cannot be read back now is noted, and a job reads it: MLflow has done the write, and the client is told so.
"""

import logging
from typing import Any

from django.db import DatabaseError

from apps.accounts import giving, grants
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.errors import DomainError
from apps.gateway.callers import Caller
from apps.registry import services as mirror
from apps.registry.claims import ANY, Claim
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel

logger = logging.getLogger(__name__)


What = set[tuple[Action, int | None]]
CHANGED: What = {(Action.MODEL_CHANGED, None)}


def model_changed(name: str, who: Caller, answer: dict[str, Any] | None = None) -> None:
    """Mirror what the caller has changed of a model."""
    _now([name], who, CHANGED)


def version_changed(name: str, number: int, who: Caller, answer: dict[str, Any] | None = None) -> None:
    """Mirror what the caller has changed of a version."""
    _now([name], who, {(Action.VERSION_CHANGED, number)}, number)


def version_deleted(name: str, number: int, who: Caller, answer: dict[str, Any] | None = None) -> None:
    """Mirror that the caller has deleted a version, with the aliases that pointed to it."""
    _now([name], who, CHANGED | {(Action.VERSION_DELETED, number)})


def model_deleted(name: str, who: Caller, answer: dict[str, Any] | None = None) -> None:
    """Mirror that the caller has deleted a model with its versions."""
    _now([name], who, {(Action.MODEL_DELETED, None), (Action.VERSION_DELETED, ANY)})


def created(name: str, who: Caller, answer: dict[str, Any] | None = None) -> None:
    """Mirror a new model, and give its maker their role on it."""
    _now([name], who, {(Action.MODEL_MIRRORED, None)})
    row = RegisteredModel.objects.filter(connection=DEFAULT_CONNECTION, name=name, deleted_at=None).first()
    if row and not grants.allows(who.user, Permission.MODEL_WRITE, row):
        giving.give_maker(who.user, row)


def registered(name: str, who: Caller, answer: dict[str, Any]) -> None:
    """Mirror a new version."""
    said = answer.get("model_version")
    number = str(said.get("version", "")) if isinstance(said, dict) else ""
    made: What = {(Action.VERSION_MIRRORED, int(number))} if number.isdigit() else set()  # MLflow's, if it does not say
    _now([name], who, made)


def renamed(name: str, new_name: str, who: Caller, answer: dict[str, Any] | None = None) -> None:
    """Mirror a model under its new name: it stays the same model."""
    _now([name, new_name], who, CHANGED)


def read(name: str) -> bool:
    """Read a model that the mirror does not know from MLflow. Returns whether that could be done."""
    try:
        mirror.mirror_now(DEFAULT_CONNECTION, [name])
    except DomainError:
        return False
    return True


def _now(names: list[str], who: Caller, what: What, number: int | None = None) -> None:
    claim = Claim(grants.actor(who.user), frozenset(what))
    try:
        mirror.mirror_now(DEFAULT_CONNECTION, names, number=number, claim=claim)
    except (DomainError, DatabaseError):  # MLflow has done the write: whatever hinders here, the client gets its answer
        logger.exception("a write through the door is not mirrored yet: %s", names)
        for name in names:
            mirror.touch(DEFAULT_CONNECTION, name, number or 0)
