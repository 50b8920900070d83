"""Sessions: begun, looked at and ended, recorded."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import login, logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import browsers, doors, grants
from apps.accounts.models import Session, User
from apps.accounts.session_store import ADDRESS, BROWSER, METHOD, STARTED, row_key
from apps.audit.actions import Action, Outcome
from apps.audit.services import Actor, Target, attempt, record
from apps.errors import NotAllowed, NotVisible

UNKNOWN = "unknown"
BACKEND = "apps.accounts.backends.PersonBackend"
MAX_BROWSER, MAX_ADDRESS = 300, 45
MOST_SHOWN = 100


@dataclass(frozen=True)
class OwnSession:
    """One of a person's sessions, as they see it: `number` names it in forms and opens nothing."""

    number: str
    browser: str
    address: str
    method: str
    started_at: datetime
    seen_at: datetime
    here: bool

    @property
    def browser_name(self) -> str:
        """What the browser is, in words."""
        return browsers.in_words(self.browser)


def start_session(request: HttpRequest, user: User, *, method: str) -> None:
    """Sign `user` in on this browser, under a new key; `method` says how they proved who they are.

    Raises NotAllowed for somebody who was shut out meanwhile.
    """
    by = grants.actor(user)
    with attempt(Action.SESSION_STARTED, by=by, target=_target(user.get_username()), method=method) as trial:
        if not User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).exists():
            raise NotAllowed(_("This account is inactive. Ask an admin to reactivate it."))
        login(request, user, backend=BACKEND)
        said = {
            STARTED: timezone.now().timestamp(),
            ADDRESS: doors.address_of(request)[:MAX_ADDRESS],
            BROWSER: request.headers.get("User-Agent", "")[:MAX_BROWSER],
            METHOD: method,
        }
        request.session.update(said)
        request.session.save()  # kept before anybody is told that it began
        trial.done()
    doors.forget(request, user.get_username())


def end_session(request: HttpRequest) -> None:
    """Sign out whoever is signed in on this browser; nobody is not recorded."""
    user = request.user
    if not isinstance(user, User):
        return
    with attempt(Action.SESSION_ENDED, by=grants.actor(user), target=_target(user.get_username())) as trial:
        logout(request)
        trial.done()


def sessions_of(request: HttpRequest, user: User) -> list[OwnSession]:
    """Return the person's living sessions, the one seen last first, as many as a page shows."""
    here = row_key(request.session.session_key or "")
    rows = Session.objects.living().filter(person=user).order_by("-seen_at", "session_key")[:MOST_SHOWN]
    return [
        OwnSession(row.session_key, row.browser, row.address, row.method, row.started_at, row.seen_at,
                   row.session_key == here)
        for row in rows
    ]  # fmt: skip


def end_one(number: str, *, by: User) -> None:
    """End one of one's own sessions, on another browser. Raises NotVisible when it is not there, or not one's own."""
    with attempt(Action.SESSION_ENDED, by=grants.actor(by), target=_target(by.get_username())) as trial:
        if "\0" in number or not Session.objects.filter(session_key=number, person=by).delete()[0]:
            raise NotVisible(_("This session has ended already. Load the page again."))
        trial.done(sessions=1)


def end_others(request: HttpRequest) -> int:
    """End all sessions of whoever is signed in here, except this one; return how many."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the page is for people who are signed in
    here = row_key(request.session.session_key or "")
    with attempt(Action.SESSION_ENDED, by=grants.actor(user), target=_target(user.get_username())) as trial:
        ended = Session.objects.filter(person=user).exclude(session_key=here).delete()[0]
        trial.done(sessions=ended)
    return ended


def end_all_of(user: User) -> int:
    """End every session of `user`, on every browser, in the caller's transaction; return how many."""
    return Session.objects.filter(person=user).delete()[0]


def goes_on(request: HttpRequest, user: User) -> bool:
    """Return whether the session of this request still is one of `user`, as the table says it now."""
    here = row_key(request.session.session_key or "")
    return Session.objects.filter(session_key=here, person=user).exists()


def go_on_alone(request: HttpRequest, user: User) -> int:
    """End every session of `user`, whose password is another one now, but this; return how many ended.

    This one goes on under a new key. In the caller's transaction, late: only a commit leaves the browser a session.
    """
    update_session_auth_hash(request, user)
    request.session.save()
    here = row_key(request.session.session_key or "")
    return Session.objects.filter(person=user).exclude(session_key=here).delete()[0]


def is_throttled(request: HttpRequest, username: str) -> bool:
    """Return whether too many sign-ins with this user name failed for one more from this browser."""
    return doors.is_shut(request, username)


def refuse_session(request: HttpRequest, username: str, *, reason: str = "", code: str = "wrong_password") -> None:
    """Count and record a failed sign-in. A user name that nobody has may be a mistyped password: it is not kept."""
    doors.count_failure(request, username)
    name = username if User.objects.filter(username=username).exists() else UNKNOWN
    note_refusal(name, reason or _("User name and password do not match."), code=code)


def note_refusal(name: str, reason: str, *, code: str) -> None:
    """Record that somebody was not signed in; `name` is a user name that somebody has."""
    with transaction.atomic():
        record(
            Action.SESSION_STARTED, by=Actor(name), target=_target(name), outcome=Outcome.REFUSED, reason=reason,
            code=code,
        )  # fmt: skip


def _target(username: str) -> Target:
    return Target("person", username)
