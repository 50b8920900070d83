"""Second factors of people in tests: an authenticator app, and what it shows."""

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp

from apps.accounts.models import User
from apps.encryption import unseal


def with_app(user: User) -> User:
    """Give somebody an authenticator app."""
    totp.TOTP.activate(user, totp.generate_totp_secret())
    return user


def code_of(user: User, ahead: int = 0) -> str:
    """Return what the person's app shows, `ahead` steps of 30 seconds from now."""
    secret = unseal(Authenticator.objects.get(user=user, type="totp").data["secret"])
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + ahead))
