"""One person as those who manage people see them: how they come in, and what they may do, by which grants."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import chains, grants, queries
from apps.accounts.chains import Chain
from apps.accounts.factors import queries as factors
from apps.accounts.factors.queries import Factor
from apps.accounts.models import GrantScope, Session, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import gives
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import NotVisible

GRANTS_SHOWN = 50  # the list of grants has all
ATTEMPTS_READ = 100  # of signing in, the newest, among which the last good one is looked for


class PersonState(StrEnum):
    """Whether somebody can come in."""

    ACTIVE = "active"
    INVITED = "invited"  # with a link that was not used yet
    DEACTIVATED = "deactivated"


@dataclass(frozen=True)
class SignIn:
    """When and how somebody came in last; `method` is empty where nothing is left that says so."""

    at: datetime
    method: str


@dataclass(frozen=True)
class Profile:
    """One person. `roles` and `permissions` are what they hold on the whole registry, however it was given.

    `singles` are those of the permissions that none of the roles brings. `chains` are the grants that count, those on
    the whole registry first, as many as are shown; `total`: how many there are that the reader may see.
    """

    person: User
    state: PersonState
    groups: list[Group]
    signed_in: SignIn | None
    factors: list[Factor]
    sessions: int
    roles: list[str]
    permissions: list[str]
    singles: list[str]
    chains: list[Chain]
    total: int

    @property
    def more(self) -> int:
        """How many grants are not shown."""
        return max(self.total - GRANTS_SHOWN, 0)


def seen_by(by: Any) -> QuerySet[User]:
    """Return the people of whom `by` may read: everybody for who manages people, else themselves alone."""
    return User.objects.all() if grants.allows(by, Permission.PEOPLE_MANAGE) else User.objects.filter(pk=by.pk)


def get_person(by: Any, username: str) -> User:
    """Return the person of this user name. Raises NotVisible."""
    return _found(None if "\0" in username else seen_by(by).filter(username=username).first())


def own_profile_or_managed(by: Any, username: str) -> Profile:
    """Return the profile of the person of this user name.

    Raises NotVisible, also for oneself through a token that is limited to models: what somebody holds elsewhere, how
    they sign in and when is none of its business.
    """
    return profile_of(_found(None) if by.is_limited else get_person(by, username), by)


def managed_person(by: Any, number: int) -> User:
    """Return the person of this number, to those who manage people. Raises NotVisible, also for oneself."""
    manages = grants.allows(by, Permission.PEOPLE_MANAGE) and number < 2**63
    return _found(User.objects.filter(pk=number).first() if manages else None)


def profile_of(person: User, by: Any) -> Profile:
    """Return everything about a person that `by` may know, in a constant number of queries."""
    held = grants.held_permissions(person)
    roles = grants.roles_for(held)
    brought = frozenset[Permission]().union(*(gives(role, everywhere=True) for role in roles))
    found = queries.filtered_grants(queries.visible_grants(by).filter(queries.held_by(person)), {})
    everywhere_first = Case(When(scope=GrantScope.REGISTRY, then=Value(0)), default=Value(1))
    shown = found.order_by(everywhere_first, "scope", "-pk")[:GRANTS_SHOWN]
    return Profile(
        person=person,
        state=state_of(person),
        groups=list(person.groups.order_by("name")),
        signed_in=signed_in_last(person),
        factors=factors.factors_of(person),
        sessions=Session.objects.living().filter(person=person).count(),
        roles=roles,
        permissions=sorted(held),
        singles=sorted(held - brought),
        chains=[Chain(grant) for grant in chains.named(shown, by)],
        total=found.count(),
    )


def state_of(person: User) -> PersonState:
    """Return whether the person can come in; who was in before and got another link is active. One query at most."""
    if not person.is_active:
        return PersonState.DEACTIVATED
    if person.last_login or person.is_service or person.has_usable_password():
        return PersonState.ACTIVE
    waiting = person.invitations.filter(used_at=None, revoked_at=None, expires_at__gt=timezone.now())
    return PersonState.INVITED if waiting.exists() else PersonState.ACTIVE


def signed_in_last(person: User) -> SignIn | None:
    """Return the last time that the person came in, with how the trail says they proved who they are."""
    rows = AuditEvent.objects.filter(actor=person.get_username(), action=Action.SESSION_STARTED).order_by("-id")
    attempts = rows.values_list("outcome", "at", "data")[:ATTEMPTS_READ]
    for outcome, at, data in attempts:
        if outcome == Outcome.DONE:
            return SignIn(at, str(data.get("method", "")))
    return SignIn(person.last_login, "") if person.last_login else None


def _found(person: User | None) -> User:
    if person is None:
        raise NotVisible(_("There is no such person, or you may not see them. Your own account is the page Account."))
    return person
