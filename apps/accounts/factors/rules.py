"""Who must have a second factor: to sign in, and to sign."""

from collections.abc import Iterable

from django.apps import apps
from django.conf import settings
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.assurance import SignWith
from apps.accounts.factors.queries import with_factor
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.accounts.single_sign_on import provider
from apps.accounts.single_sign_on.services import connected

# Whoever decides, or decides who decides.
WEIGHTY = frozenset(
    {
        Permission.CONNECTION_MANAGE,
        Permission.MODEL_BYPASS,
        Permission.MODEL_REVIEW,
        Permission.PEOPLE_MANAGE,
        Permission.POLICY_MANAGE,
        Permission.WEBHOOK_MANAGE,
    }
)


def must_have_factor(user: User) -> bool:
    """Return whether the installation lets `user` sign in with a second factor only."""
    if settings.SECOND_FACTOR == "everybody":
        return True
    if settings.SECOND_FACTOR != "duties":
        return False
    return bool(grants.held_somewhere(user, WEIGHTY, apps.get_model("registry", "RegisteredModel")))


def why_cannot_sign(user: User, asked: SignWith) -> str | None:
    """Say why this person cannot sign where `asked` is: they have nothing to answer with. None: they can."""
    if asked is not SignWith.FACTOR or not without_factor([user]):
        return None
    return _(
        "The policy asks for your second factor with each signature, and you have none yet. Add an authenticator app "
        "or a passkey under “Account”, “Second factors and sessions”; then sign."
    )


def without_factor(people: Iterable[User]) -> list[User]:
    """Return those of `people` who could not answer for a second factor when they sign; two queries at most."""
    people = list(people)
    able = with_factor(people)
    if settings.OIDC_ANSWERS_FOR_FACTOR and provider.is_on():
        able |= connected(people)
    return [person for person in people if person.pk not in able]
