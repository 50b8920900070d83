"""How sure a signature has to be of who gives it: nothing is asked, a password, or a second factor.

A policy says which. Where it asks for a password, the installation may say that none is enough (SIGN_WITH_FACTOR).
Single sign-on is worth a second factor where the provider is said to ask for one (OIDC_ANSWERS_FOR_FACTOR), elsewhere
a password.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

TOTP, PASSKEY, SINGLE_SIGN_ON = "totp", "passkey", "oidc"  # how a signature was confirmed, beside "password"


class SignWith(models.TextChoices):
    """What a signer says again who they are with; what is stronger is always enough. In order of strength."""

    NONE = "none", gettext_lazy("Nothing: being signed in is enough")
    PASSWORD = "password", gettext_lazy("Password, or anything stronger")
    FACTOR = "factor", gettext_lazy("Second factor: the code of an app, or a passkey")


def asked_by(*policies: str) -> SignWith:
    """Return what a signature under all of these choices takes here: the strongest, or more where it has to be."""
    strongest = max(map(SignWith, policies), key=list(SignWith).index, default=SignWith.NONE)
    return SignWith.FACTOR if strongest is SignWith.PASSWORD and settings.SIGN_WITH_FACTOR else strongest


def is_more(asked: SignWith, than: SignWith) -> bool:
    """Return whether one choice takes more of a signer than another."""
    order = list(SignWith)
    return order.index(asked) > order.index(than)


def is_enough(method: str, asked: SignWith) -> bool:
    """Return whether a signature that was confirmed by `method` ("": by nothing) is one that `asked` takes."""
    if asked is SignWith.NONE:
        return True
    if asked is SignWith.PASSWORD:
        return bool(method)
    return method in (TOTP, PASSKEY) or (method == SINGLE_SIGN_ON and settings.OIDC_ANSWERS_FOR_FACTOR)
