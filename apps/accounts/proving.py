"""What a form shows where it asks signers again who they are: what they type, or where they go first."""

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.accounts import passes
from apps.accounts.assurance import SINGLE_SIGN_ON, SignWith, is_enough
from apps.accounts.factors.queries import PASSKEY, TOTP, kinds_of
from apps.accounts.models import User
from apps.accounts.single_sign_on import provider
from apps.accounts.single_sign_on.services import is_connected


@dataclass(frozen=True)
class Proof:
    """How one person answers what is asked: a pass that they hold already, a field to type in, links to elsewhere."""

    asks: SignWith
    carried: str  # the pass; empty: none that is enough
    app: bool  # whether they have an authenticator app
    ways: list[tuple[str, str]]  # route and label of each

    @property
    def types(self) -> bool:
        """Whether there is something that the person can type: a password, or the code of their app."""
        return self.app or self.asks is not SignWith.FACTOR


def proof(request: HttpRequest, asks: SignWith) -> Proof:
    """Return how whoever is signed in answers `asks`."""
    user, ways = cast(User, request.user), []
    kinds = kinds_of(user)
    if PASSKEY in kinds:
        ways.append(("accounts:prove-by-passkey", _("Use a passkey")))
    if is_enough(SINGLE_SIGN_ON, asks) and provider.is_on() and is_connected(user):
        ways.append(("accounts:prove", _("Use single sign-on")))
    return Proof(asks, passes.held(request, asks), TOTP in kinds, ways)
