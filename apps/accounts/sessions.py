"""Signing in and out, recorded."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import SESSION_KEY, login, logout
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants, throttle
from apps.accounts.models import User
from apps.audit.actions import Action, Outcome
from apps.audit.services import Actor, Target, attempt, record

UNKNOWN = "unknown"


def start_session(request: HttpRequest, user: User) -> None:
    """Sign `user` in on this browser."""
    with attempt(Action.SESSION_STARTED, by=grants.actor(user), target=_target(user.get_username())) as trial:
        login(request, user)
        trial.done()
    throttle.forget(_address(request), user.get_username())


def end_session(request: HttpRequest) -> None:
    """Sign out whoever is signed in on this browser; nobody is not recorded."""
    user = request.user
    if not isinstance(user, User):
        return
    with attempt(Action.SESSION_ENDED, by=grants.actor(user), target=_target(user.get_username())) as trial:
        logout(request)
        trial.done()


def end_all_of(user: User) -> int:
    """End every session of `user`, on every browser; return how many. Reads all sessions: for rare occasions."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    ended = 0
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            store(session.session_key).delete()
            ended += 1
    return ended


def is_throttled(request: HttpRequest, username: str) -> bool:
    """Return whether too many sign-ins with this user name failed from this address."""
    return throttle.failures(_address(request), username) >= throttle.MAX_FAILURES


def refuse_session(request: HttpRequest, username: str) -> None:
    """Count and record a failed sign-in. A user name that nobody has may be a mistyped password: it is not kept."""
    throttle.count_failure(_address(request), username)
    name = username if User.objects.filter(username=username).exists() else UNKNOWN
    reason = _("User name and password do not match.")
    with transaction.atomic():
        record(
            Action.SESSION_STARTED, by=Actor(name), target=_target(name), outcome=Outcome.REFUSED, reason=reason,
            code="wrong_password",
        )  # fmt: skip


def _target(username: str) -> Target:
    return Target("person", username)


def _address(request: HttpRequest) -> str:
    return request.META.get("REMOTE_ADDR", "")
