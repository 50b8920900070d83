"""Who may object to a change of people, in the transaction that makes it. An app above registers here when loaded.

    @guards
    def who_asked(change: Change) -> None: ...

A guard returns, or raises RuleViolation: then nothing is changed, and the refused attempt is recorded. What it looks at
may begin in the same moment: whoever begins it locks the same person first (`lock_people`), so that one waits.

Where nobody objects, those who follow the change are told, in the same transaction and before it is made: what they
commit with it, such as a job, finds it made.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.db import models

from apps.accounts.models import User
from apps.accounts.permissions import Permission


@dataclass(frozen=True)
class MembershipChange:
    """A person joins a group, or leaves it."""

    by: User
    group: Group
    person: User


@dataclass(frozen=True)
class GrantChange:
    """A group gains or loses `permissions` on one model, or on the whole registry when `model` is None."""

    by: User
    group: Group
    permissions: frozenset[Permission]
    model: models.Model | None


@dataclass(frozen=True)
class StandingChange:
    """A person is shut out or let in again. `person` is told as they are while they are let in."""

    by: User
    person: User


Change = MembershipChange | GrantChange | StandingChange
Guard = Callable[[Change], None]
_guards: list[Guard] = []
_followers: list[Guard] = []


def guards(guard: Guard) -> Guard:
    """Register a function that is asked about every change of people before it is done."""
    _guards.append(guard)
    return guard


def follows(follower: Guard) -> Guard:
    """Register a function that is told of every change of people to which no guard objects."""
    _followers.append(follower)
    return follower


def ask(change: Change) -> None:
    """Ask every guard, then tell who follows. Raises RuleViolation."""
    for told in (*_guards, *_followers):
        told(change)


def tell(change: Change) -> None:
    """Tell who follows of a change that nobody here decided, so that no guard objects: an identity provider did."""
    for follower in _followers:
        follower(change)


def lock_people(*keys: int) -> None:
    """Lock people until the end of the transaction, in one order, before anything that they asked for."""
    people = User.objects.select_for_update(no_key=True).filter(pk__in=keys)
    list(people.order_by("pk").values_list("pk"))
