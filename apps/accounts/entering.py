"""Signing in, in steps: who one is (password, single sign-on, invitation), then the second factor, then the session.

Between the steps nobody is signed in: the session of this browser says who is half-way in, for ten minutes. Whoever has
a second factor gives it; whoever must have one, and has none, adds one before the session begins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import doors, known, sessions
from apps.accounts.factors import codes, passkeys, queries
from apps.accounts.factors.rules import must_have_factor
from apps.accounts.models import User
from apps.errors import InvalidInput, NotAllowed

HALF_WAY = "half_way_in"
LASTS = timedelta(minutes=10)
PASSWORD, SINGLE_SIGN_ON, INVITATION = "password", "oidc", "invitation"
CODE = "code"  # the step whose failures are counted apart from those of passwords


class Step(StrEnum):
    """What comes next."""

    DONE = "done"  # signed in
    FACTOR = "factor"  # give the second factor
    ADD_FACTOR = "add_factor"  # add one first


@dataclass(frozen=True)
class HalfWay:
    """Somebody who said who they are and is not signed in yet; `following`: where they want to go, unchecked."""

    person: User
    method: str
    step: Step
    following: str


def enter(request: HttpRequest, user: User, *, method: str, following: str = "") -> Step:
    """Sign `user` in, or stop half-way for the second factor. Raises NotAllowed for somebody inactive."""
    step = _next(user, method)
    if step is Step.DONE:
        sessions.start_session(request, user, method=method)
        return step
    request.session.flush()  # whoever was here before, and the key that they knew
    at = timezone.now().timestamp()
    request.session[HALF_WAY] = [user.pk, user.get_session_auth_hash(), method, step.value, following, at]
    return step


def half_way(request: HttpRequest, *steps: Step) -> HalfWay | None:
    """Return who is half-way in on this browser, at one of `steps`; None when nobody is, or when it took too long.

    A password that was changed meanwhile, or an account that was shut, ends it.
    """
    said = request.session.get(HALF_WAY)
    if not said or said[5] < (timezone.now() - LASTS).timestamp() or said[3] not in steps:
        return None
    person = known.person(said[0])
    if person is None or not person.is_active or said[1] != person.get_session_auth_hash():
        return None
    return HalfWay(person, said[2], Step(said[3]), said[4])


def give_code(request: HttpRequest, entering: HalfWay, code: str) -> None:
    """Sign in with the present code of the app, or with a recovery code. Raises InvalidInput, NotAllowed (too many)."""
    _finish(request, entering, lambda: codes.check_code(entering.person, code), field="code")


def give_passkey(request: HttpRequest, entering: HalfWay, answer: str) -> None:
    """Sign in with what a passkey answered. Raises InvalidInput, NotAllowed (too many)."""
    checked = passkeys.PASSKEY
    _finish(
        request, entering, lambda: checked if passkeys.check_passkey(entering.person, answer) else "", field="answer"
    )


def factor_added(request: HttpRequest, entering: HalfWay, kind: str) -> None:
    """Sign in whoever had to add a factor first, and has added it. Raises NotAllowed for somebody inactive."""
    request.session.pop(HALF_WAY, None)
    sessions.start_session(request, entering.person, method=f"{entering.method}, {kind}")


def _finish(request: HttpRequest, entering: HalfWay, check: Callable[[], str], *, field: str) -> None:
    username = entering.person.get_username()
    if doors.is_shut(request, username, step=CODE):
        raise NotAllowed(_("Too many wrong codes. Wait 15 minutes, then sign in again."), field=field)
    doors.count_failure(request, username, step=CODE)  # before it is looked at: at once or in turn, no more tries
    checked = check()
    if not checked:
        message = _("This code does not count. Type the one that the app shows now, or a recovery code not used yet.")
        sessions.note_refusal(username, message, code="wrong_factor")
        raise InvalidInput(message, field=field)
    doors.forget(request, username, step=CODE)
    request.session.pop(HALF_WAY, None)
    sessions.start_session(request, entering.person, method=f"{entering.method}, {checked}")


def _next(user: User, method: str) -> Step:
    if method == SINGLE_SIGN_ON and settings.OIDC_ANSWERS_FOR_FACTOR:
        return Step.DONE
    if queries.has_factor(user):
        return Step.FACTOR
    return Step.ADD_FACTOR if must_have_factor(user) else Step.DONE
