"""Who may object to a change of people, in the transaction that makes it. An app above registers here when loaded.

    @guards
    def who_asked(change: Change) -> None: ...

A guard returns, or raises RuleViolation: then nothing is changed, and the refused attempt is recorded. What it looks at
may begin in the same moment: whoever begins it locks the same person first (`lock_people`), so that one waits.

Where nobody objects, those who follow the change are told, in the same transaction and before it is made: what they
commit with it, such as a job, finds it made.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import Group

from apps.accounts.models import User
from apps.accounts.permissions import Permission


@dataclass(frozen=True)
class MembershipChange:
    """A person joins a group, or leaves it."""

    by: User
    group: Group
    person: User


EVERYWHERE = 0  # in place of a model's key: the whole registry


@dataclass(frozen=True)
class GrantChange:
    """A group or a person (`holder`) gains or loses permissions, or holds them until another moment.

    `changed` names the models by key, or EVERYWHERE. `by` is None where it happens by itself: then nobody is asked, but
    about whoever brought it about (`check`, with them as `by`).
    """

    by: User | None
    holder: Group | User
    changed: Mapping[Permission, frozenset[int]]

    def among(self, permissions: Iterable[Permission], models: Iterable[int]) -> set[int]:
        """Return those of `models` (keys) on which any of `permissions` changes."""
        touched = frozenset().union(*(self.changed.get(permission, frozenset()) for permission in permissions))
        return set(models) if EVERYWHERE in touched else set(models) & touched


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
    check(change)
    tell(change)


def check(change: Change) -> None:
    """Ask every guard, and tell nobody. Raises RuleViolation."""
    for asked in _guards:
        asked(change)


def tell(change: Change) -> None:
    """Tell who follows of what happens by itself, or an identity provider decided: nobody here can object."""
    for told in _followers:
        told(change)


def lock_people(*keys: int) -> None:
    """Lock people until the end of the transaction, in one order, before anything that they asked for."""
    people = User.objects.select_for_update(no_key=True).filter(pk__in=keys)
    list(people.order_by("pk").values_list("pk"))
