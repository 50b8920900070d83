"""Asking a signer for the password again. It is compared and forgotten: nothing here keeps it, logs it or shows it.

Failures are counted per person, whatever the address: whoever signs is signed in already, so that the count locks out
nobody else, and a stolen session cannot guess on from another address.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from apps.accounts import throttle
from apps.accounts.models import User
from apps.errors import InvalidInput, NotAllowed

COUNTED_AS = "signing"  # in place of an address
PASSWORD = "password"  # noqa: S105 - how it was confirmed, not what with


class Answer(StrEnum):
    """What came of asking."""

    NONE = "none"  # no password was given
    RIGHT = "right"
    WRONG = "wrong"
    TOO_MANY = "too_many"  # not looked at any more


@dataclass(frozen=True)
class Confirmation:
    """Whose password was asked for, and what came of it. Made by `confirm` alone; good for one call."""

    user_id: int
    answer: Answer


def confirm(user: User, password: str) -> Confirmation:
    """Compare a password with the person's own, in constant time. Outside a transaction: it is slow on purpose."""
    if not password:
        return Confirmation(user.pk, Answer.NONE)
    # Counted before it is looked at: many guesses at once get no more tries than one after the other.
    if throttle.count_failure(COUNTED_AS, user.get_username()) > throttle.MAX_FAILURES:
        return Confirmation(user.pk, Answer.TOO_MANY)
    if not user.check_password(password):
        return Confirmation(user.pk, Answer.WRONG)
    throttle.forget(COUNTED_AS, user.get_username())
    return Confirmation(user.pk, Answer.RIGHT)


def confirmed_with(confirmation: Confirmation | None, user: User, *, needed: bool) -> str:
    """Return how the signer confirmed who they are: "password", or "" where nobody asked.

    Raises InvalidInput for a missing or wrong password, NotAllowed after too many wrong ones; inside the caller's
    attempt, so that the refusal is recorded. A wrong one is refused even where none is needed.
    """
    answer = confirmation.answer if confirmation and confirmation.user_id == user.pk else Answer.NONE
    if answer is Answer.TOO_MANY:
        raise NotAllowed(_("Too many wrong passwords. Wait 15 minutes, then sign again."), field="password")
    if answer is Answer.WRONG:
        raise InvalidInput(_("This is not your password. Nothing was signed. Type it again."), field="password")
    if needed and answer is Answer.NONE:
        message = _("The policy wants your password with each signature. Type the one that you sign in with.")
        raise InvalidInput(message, field="password")
    return PASSWORD if answer is Answer.RIGHT else ""
