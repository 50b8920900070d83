"""Asking a signer again who they are. What they type is compared and forgotten: nothing here keeps, logs or shows it.

One field takes the password, the present code of the signer's authenticator app, or the pass that a passkey or a fresh
single sign-on gave them a moment ago. What it was is stored with the signature.

Failures are counted per person, whatever the address: whoever signs is signed in already, so that the count locks out
nobody else, and a stolen session cannot guess on from another address. What looks like a code is counted by itself, and
a password does not forget it: whoever knows the password would guess codes without end.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext as _

from apps.accounts import passes, throttle
from apps.accounts.assurance import PASSKEY, SINGLE_SIGN_ON, TOTP, SignWith, is_enough
from apps.accounts.factors import codes
from apps.accounts.models import User
from apps.accounts.passwords import password_counts
from apps.errors import InvalidInput, NotAllowed

COUNTED_AS, CODES_COUNTED_AS = "signing", "signing code"  # in place of an address
PASSWORD = "password"  # noqa: S105 - how it was confirmed, not what with
TOTP_DIGITS = 6
RECOVERY_DIGITS = settings.MFA_RECOVERY_CODE_DIGITS


class Answer(StrEnum):
    """What came of asking."""

    NONE = "none"  # nothing was given
    RIGHT = "right"
    WRONG = "wrong"
    TOO_MANY = "too_many"  # not looked at any more


@dataclass(frozen=True)
class Confirmation:
    """Who was asked, what came of it, and by what. Made by `confirm` alone; good for one call."""

    user_id: int
    answer: Answer
    method: str = ""


def confirm(user: User, password: str, *, recovery: bool = False, password_alone: bool = False) -> Confirmation:
    """Compare a password, code or pass with the person's own. Outside a transaction: it is slow on purpose.

    `recovery`: a recovery code is an answer too, and used up; no signature takes one. `password_alone`: nothing else is
    one, whatever it looks like, and nothing else is used up.
    """
    if not password:
        return Confirmation(user.pk, Answer.NONE)
    # Counted before it is looked at: many guesses at once get no more tries than one after the other.
    name = user.get_username()
    too_many = throttle.count_failure(COUNTED_AS, name) > throttle.MAX_FAILURES
    if not password_alone and _is_code(password, recovery=recovery):
        too_many = throttle.count_failure(CODES_COUNTED_AS, name) > throttle.MAX_FAILURES or too_many
    if too_many:
        return Confirmation(user.pk, Answer.TOO_MANY)
    method = _password(user, password) if password_alone else _recognised(user, password, recovery=recovery)
    if not method:
        return Confirmation(user.pk, Answer.WRONG)
    throttle.forget(COUNTED_AS, name)
    if method in (TOTP, PASSKEY, codes.RECOVERY_CODE):
        throttle.forget(CODES_COUNTED_AS, name)
    return Confirmation(user.pk, Answer.RIGHT, method)


def confirmed_with(confirmation: Confirmation | None, user: User, *, asks: SignWith) -> str:
    """Return how the signer confirmed who they are: "password", "totp", "passkey", "oidc", or "" where nobody asked.

    Raises InvalidInput for what is missing, wrong or not as strong as `asks`, NotAllowed after too many wrong ones;
    inside the caller's attempt, so that the refusal is recorded. A wrong one is refused even where nothing is asked.
    """
    asked = confirmation if confirmation and confirmation.user_id == user.pk else Confirmation(user.pk, Answer.NONE)
    if asked.answer is Answer.TOO_MANY:
        raise NotAllowed(_("Too many wrong passwords or codes. Wait 15 minutes, then try again."), field="password")
    if asked.answer is Answer.WRONG:
        raise InvalidInput(_wrong(asks), field="password")
    if not is_enough(asked.method, asks):
        raise InvalidInput(_too_little(asked, asks), field="password")
    return asked.method


def _wrong(asks: SignWith) -> str:
    if asks is SignWith.FACTOR:
        return _("This code does not count. Nothing was signed. Type the one that your app shows now.")
    return _("This is not your password. Nothing was signed. Type it again.")


def _too_little(asked: Confirmation, asks: SignWith) -> str:
    if asks is SignWith.PASSWORD:
        return _("The policy wants your password with each signature. Type the one that you sign in with.")
    if asked.method == SINGLE_SIGN_ON:
        return _("Single sign-on is not enough here: a signature takes your second factor. Use your app or a passkey.")
    if asked.method:
        return _("A password is not enough here: a signature takes your second factor. Use your app or a passkey.")
    return _("The policy wants your second factor with each signature. Type the code of your app, or use a passkey.")


def method_label(method: str) -> str:
    """Return in words how a signature was confirmed, such as "confirmed by password"."""
    words = {
        PASSWORD: _("confirmed by password"),
        TOTP: _("confirmed by code of an app"),
        PASSKEY: _("confirmed by passkey"),
        SINGLE_SIGN_ON: _("confirmed by single sign-on"),
    }
    return words.get(method, _("confirmed"))


def _recognised(user: User, text: str, *, recovery: bool) -> str:
    """Return what the text is: a pass, a code, or the password, in this order; "" when it is none of the person's."""
    if text.startswith(passes.PREFIX):
        return passes.use(user, text)
    if _is_code(text, recovery=recovery):
        method = codes.check_code(user, text) if recovery else TOTP if codes.check_totp(user, text) else ""
        if method:
            return method
    return _password(user, text)


def _password(user: User, text: str) -> str:
    return PASSWORD if user.check_password(text) and password_counts(user.get_username()) else ""


def _is_code(text: str, *, recovery: bool) -> bool:
    """Return whether a text looks like a code: nothing else is compared with the person's codes."""
    return (
        text.isascii()
        and text.isdigit()
        and len(text) in ((TOTP_DIGITS, RECOVERY_DIGITS) if recovery else (TOTP_DIGITS,))
    )
