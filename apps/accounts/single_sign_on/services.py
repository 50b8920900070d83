"""From what a provider vouches for to a person here: found by issuer and subject, added, connected, put into groups.

Nobody is ever found by an e-mail address or a user name: a provider's user could write another person's there.
"""

import logging
from collections.abc import Iterable

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts import grants, guards, lookalikes, sessions
from apps.accounts.models import User
from apps.accounts.services import follow_provider
from apps.accounts.single_sign_on.claims import Identity, mapped_groups
from apps.audit.actions import Action
from apps.audit.services import Actor, Target, attempt
from apps.errors import Conflict, InvalidInput, NotAllowed, RuleViolation

logger = logging.getLogger(__name__)
PROVIDER = Actor("system:single-sign-on")


def person_of(identity: Identity) -> User:
    """Return the person with this identity, in the groups that the provider says; a new one where that is allowed.

    Raises NotAllowed for somebody inactive, or unknown where no people are added; RuleViolation when the user name is
    somebody else's; InvalidInput when there is none; Conflict when they were added in the same moment.
    """
    account = _account(identity)
    if account is None:
        person = _add(identity)
    else:
        person = account.user
        if not person.is_active:
            refusal = NotAllowed(_("This account is inactive. Ask an admin to reactivate it."))
            sessions.note_refusal(person.get_username(), refusal.message, code="inactive")
            raise refusal
    put_into_groups(person, identity)
    return person


def connect(identity: Identity, *, by: User) -> None:
    """Connect an identity to the person who is signed in, so that they sign in with it from now on.

    Raises Conflict when it is somebody else's already, or when `by` is connected with another one.
    """
    with attempt(Action.IDENTITY_CONNECTED, by=grants.actor(by), target=Target("person", by.get_username())) as trial:
        guards.lock_people(by.pk)
        found = _account(identity)
        if found and found.user_id != by.pk:
            raise _of_somebody_else()
        if not found and SocialAccount.objects.filter(provider=identity.issuer, user=by).exists():
            raise Conflict(_("You are connected with another identity of this provider. Ask an admin."))
        _keep(identity, by)
        trial.done(issuer=identity.issuer)
    put_into_groups(by, identity)


def is_theirs(identity: Identity, person: User) -> bool:
    """Return whether the identity is the one that the person is connected with."""
    account = _account(identity)
    return account is not None and account.user_id == person.pk


def is_connected(person: User) -> bool:
    """Return whether the person signs in with an identity of the present provider."""
    return SocialAccount.objects.filter(user=person, provider__in=_issuers()).exists()


def connected(people: Iterable[User]) -> set[int]:
    """Return who of `people` signs in with an identity of the present provider, by primary key; one query."""
    accounts = SocialAccount.objects.filter(user__in=list(people), provider__in=_issuers())
    return set(accounts.values_list("user", flat=True))


def put_into_groups(person: User, identity: Identity) -> None:
    """Make the person a member of exactly those mapped groups that the provider names; others are left alone.

    A change that is refused (nobody could manage people any more) is recorded, and the sign-in goes on.
    """
    wanted, decided = mapped_groups(identity, settings.OIDC_GROUPS)
    groups = list(Group.objects.filter(name__in=decided).order_by("name"))
    if missing := decided - {group.name for group in groups}:
        logger.warning("ASSENT_OIDC_GROUPS names groups that are not there: %s", ", ".join(sorted(missing)))
    present = set(person.groups.filter(pk__in=[group.pk for group in groups]).values_list("pk", flat=True))
    for group in groups:
        if (group.name in wanted) != (group.pk in present):
            try:
                follow_provider(group, person, group.name in wanted, by=PROVIDER)
            except RuleViolation as error:
                logger.warning("single sign-on left a membership as it was: %s", error.message)


def claims_for(group: str) -> list[str]:
    """Return the values of the provider's claim that make somebody a member of this group, sorted."""
    return (
        sorted(value for value, name in settings.OIDC_GROUPS.items() if name == group) if settings.OIDC_ISSUER else []
    )


def _add(identity: Identity) -> User:
    target = Target("person", sessions.UNKNOWN)
    with attempt(Action.USER_CREATED, by=PROVIDER, target=target, issuer=identity.issuer) as trial:
        if not settings.OIDC_NEW_PEOPLE:
            raise NotAllowed(_("You have no account here yet. Ask an admin for one, sign in, and connect it."))
        if not identity.username:
            raise InvalidInput(_("The provider says no user name of yours (preferred_username). Ask who runs it."))
        trial.target = Target("person", identity.username)
        lookalikes.check_written(identity.username)
        if lookalikes.taken(identity.username) is not None:
            message = _(
                "There is a person with the user name %(name)s here already. If that is you: sign in as before, and "
                "connect your account with single sign-on. Otherwise ask an admin."
            )
            raise RuleViolation(message % {"name": identity.username})
        person = _person(identity)
        _keep(identity, person)
        trial.done(after={"username": person.username, "name": person.get_full_name(), "email": person.email})
    return person


def _person(identity: Identity) -> User:
    person = User(
        username=identity.username,
        first_name=identity.first_name,
        last_name=identity.last_name,
        email=identity.email,
    )
    person.set_unusable_password()
    try:
        person.full_clean(exclude=["password"])
    except ValidationError as error:
        words = " ".join(error.messages)
        raise InvalidInput(_("What the provider says of you cannot be kept: %(words)s") % {"words": words}) from error
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:  # somebody of this user name was added since it was looked at
        raise Conflict(_("You were added in this very moment, from another browser. Sign in again.")) from error
    return person


def _keep(identity: Identity, person: User) -> None:
    """Connect them. Raises Conflict when somebody else was connected with it since it was looked at."""
    kept, _new = SocialAccount.objects.get_or_create(
        provider=identity.issuer, uid=identity.subject, defaults={"user": person}
    )
    if kept.user_id != person.pk:
        raise _of_somebody_else()


def _of_somebody_else() -> Conflict:
    return Conflict(_("This identity belongs to another person here. Sign out at the provider, and try again."))


def _account(identity: Identity) -> SocialAccount | None:
    found = SocialAccount.objects.select_related("user")
    return found.filter(provider=identity.issuer, uid=identity.subject).first()


def _issuers() -> list[str]:
    return [settings.OIDC_ISSUER, settings.OIDC_ISSUER + "/"]  # some write a slash at the end of their own name
