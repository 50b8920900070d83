"""Who may object to a requirement set, in the transaction that publishes it. An app above registers here when loaded.

A guard returns, or raises RuleViolation: then nothing is published, and the refused attempt is recorded. Where nobody
objects, those who follow are told in the same transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass

from apps.accounts.models import User
from apps.modelcards.rules import Levels


@dataclass(frozen=True)
class RequirementChange:
    """A set takes the place of another. `by` is locked until the end of the transaction."""

    by: User
    before: Levels
    after: Levels


Guard = Callable[[RequirementChange], None]
_guards: list[Guard] = []
_followers: list[Guard] = []


def guards_requirements(guard: Guard) -> Guard:
    """Register a function that is asked about every set before it is published."""
    _guards.append(guard)
    return guard


def follows_requirements(follower: Guard) -> Guard:
    """Register a function that is told of every set to which no guard objects."""
    _followers.append(follower)
    return follower


def ask(change: RequirementChange) -> None:
    """Ask every guard, then tell who follows. Raises RuleViolation."""
    for asked in _guards:
        asked(change)
    for told in _followers:
        told(change)
