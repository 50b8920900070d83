"""Second factors: added and removed by their person, recorded. Another admin resets them in apps/accounts/services.py.

Adding and removing asks again who it is: whoever sits down at an open browser must not make themselves at home. Who
has a factor answers with one (a code, a recovery code, a passkey): with a new one they sign what a password signs not.
Who has none answers with the password. Neither is asked in the ten minutes after a sign-in, which has to have been with
a factor where there is one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants, guards, passes, sessions, signing
from apps.accounts.assurance import SignWith, is_enough
from apps.accounts.factors import codes, passkeys, queries
from apps.accounts.factors.rules import must_have_factor
from apps.accounts.models import User
from apps.accounts.session_store import METHOD, started
from apps.audit.actions import Action
from apps.audit.chain import storable_text
from apps.audit.services import Actor, Attempt, Target, attempt
from apps.encryption import seal, unseal
from apps.errors import Conflict, InvalidInput, NotVisible, RuleViolation

NEW_SECRET = "new_totp"  # noqa: S105 - a name in the session, sealed: the secret of an app that is being set up
FRESH = timedelta(minutes=10)
MAX_NAME = 60
OPERATOR = Actor("system:operator")


@dataclass(frozen=True)
class NewApp:
    """What an authenticator app is given: the secret, to be typed, and an address, shown as a picture."""

    secret: str
    picture: str  # SVG


def begin_app(request: HttpRequest, user: User) -> NewApp:
    """Return the secret for a new authenticator app; the same one until it is added, also after a reload."""
    secret = _secret_in(request)
    if not secret:
        secret = generate_totp_secret()
        request.session[NEW_SECRET] = seal(secret)
    adapter = get_adapter()
    return NewApp(secret, adapter.build_totp_svg(adapter.build_totp_url(user, secret)))


def add_app(request: HttpRequest, user: User, code: str, *, again: str = "") -> list[str]:
    """Add the authenticator app that was begun, once it shows the right code; return recovery codes when they are new.

    Raises InvalidInput (code, again), Conflict when there is an app already, NotAllowed after too many wrong passwords.
    """
    said = confirmation(request, user, again)
    with _changing(Action.FACTOR_ADDED, user, kind=queries.TOTP) as trial:
        check_again(request, user, said)
        if queries.has(user, queries.TOTP):
            raise Conflict(_("You have an authenticator app already. Remove it first to set up another."))
        secret = _secret_in(request)
        step = codes.step_of(secret, code) if secret else None
        if step is None:
            message = _(
                "This is not the code that the app shows now. Check the clock of the device; type the next code."
            )
            raise InvalidInput(message, field="code")
        row = TOTP.activate(user, secret).instance
        row.data[codes.LAST_STEP] = step
        row.save(update_fields=["data"])
        new = _recovery_codes(user)
        request.session.pop(NEW_SECRET, None)
        trial.done(factor=queries.label(row), recovery_codes=len(new))
    return new


def add_passkey(request: HttpRequest, user: User, answer: str, name: str, *, again: str = "") -> list[str]:
    """Add the passkey that a browser made; return recovery codes when they are new. Otherwise as `add_app`."""
    said = confirmation(request, user, again)
    with _changing(Action.FACTOR_ADDED, user, kind=queries.PASSKEY) as trial:
        check_again(request, user, said)
        name = name.strip()
        if not name or len(name) > MAX_NAME or storable_text(name) != name:
            raise InvalidInput(_("Give the passkey a name of 1 to 60 characters, such as the device."), field="name")
        if Authenticator.objects.filter(user=user, type=queries.PASSKEY).count() >= queries.MOST_PASSKEYS:
            raise Conflict(_("You have twenty passkeys. Remove one that you no longer use."))
        WebAuthn.add(user, name, passkeys.made(answer))
        new = _recovery_codes(user)
        trial.done(factor=name, recovery_codes=len(new))
    return new


def new_recovery_codes(request: HttpRequest, user: User, *, again: str = "") -> list[str]:
    """Replace the recovery codes; those before are worth nothing. Raises Conflict where they would replace nothing."""
    said = confirmation(request, user, again)
    with _changing(Action.FACTOR_ADDED, user, kind=queries.RECOVERY) as trial:
        check_again(request, user, said)
        if not queries.has_factor(user):
            raise Conflict(_("Recovery codes replace a second factor. Add an authenticator app or a passkey first."))
        Authenticator.objects.filter(user=user, type=queries.RECOVERY).delete()
        new = _recovery_codes(user)
        trial.done(recovery_codes=len(new))
    return new


def remove_factor(request: HttpRequest, user: User, number: int, *, again: str = "") -> None:
    """Remove one of one's own factors; with the last app or passkey the recovery codes go too.

    Raises NotVisible, InvalidInput (again), RuleViolation where the installation demands a factor and this is the last.
    """
    said = confirmation(request, user, again)
    with _changing(Action.FACTOR_REMOVED, user) as trial:
        row = Authenticator.objects.filter(pk=number, user=user, type__in=queries.FIRST_OF_ALL).first()
        if row is None:
            raise NotVisible(_("There is no such second factor any more. Load the page again."))
        trial.data = {"kind": row.type, "factor": queries.label(row)}
        check_again(request, user, said)
        row.delete()
        if not queries.has_factor(user):
            if must_have_factor(user):
                raise RuleViolation(_("Your role takes a second factor. Add another before you remove this one."))
            Authenticator.objects.filter(user=user).delete()
        trial.done()


def reset_as_operator(user: User, *, reason: str) -> list[str]:
    """Remove every second factor of a person, where nobody is left who could; their sessions end. Returns their names.

    For whoever runs the installation and could change its database. Raises InvalidInput (reason), Conflict (has none).
    """
    target = Target("person", user.get_username())
    with attempt(Action.FACTOR_REMOVED, by=OPERATOR, target=target) as trial:
        guards.lock_people(user.pk)
        if not reason.strip():
            raise InvalidInput(_("Say why: the reason is kept in the trail."), field="reason")
        removed = queries.remove_all(user)
        if not removed:
            raise Conflict(_("%(person)s has no second factor.") % {"person": user})
        trial.done(reason=reason, factors=removed, sessions_ended=sessions.end_all_of(user))
    return removed


def asks_again(request: HttpRequest, user: User) -> bool:
    """Return whether changing factors asks again who it is: not soon after the sign-in, nor on the way in.

    A sign-in without a factor, by somebody who has one, spares them nothing.
    """
    if not request.user.is_authenticated:
        return False
    at = started(request.session)
    if at is None or at < timezone.now() - FRESH:
        return True
    return queries.has_factor(user) and not _came_with_factor(request)


def answer_to(request: HttpRequest, user: User) -> SignWith:
    """Return what is asked of whoever changes factors: nothing, the password, or one of the factors that they have."""
    if not asks_again(request, user):
        return SignWith.NONE
    return SignWith.FACTOR if queries.has_factor(user) else SignWith.PASSWORD


def _came_with_factor(request: HttpRequest) -> bool:
    """Return whether this session began with a factor, or with single sign-on where that is worth one."""
    said = request.session.get(METHOD, "").split(", ")
    return any(one == codes.RECOVERY_CODE or is_enough(one, SignWith.FACTOR) for one in said)


def confirmation(request: HttpRequest, user: User, again: str) -> signing.Confirmation | None:
    """Compare what was typed, or else the pass that waits in this session. Before any lock: slow on purpose."""
    asks = answer_to(request, user)
    if asks is SignWith.NONE:
        return None
    return signing.confirm(user, again or passes.held(request, asks), recovery=asks is SignWith.FACTOR)


def check_again(request: HttpRequest, user: User, said: signing.Confirmation | None) -> str:
    """Return how the person said again who they are, "" where nobody asked.

    Raises InvalidInput (again), NotAllowed after too many wrong ones, Conflict on the way in beside a factor.
    """
    if not request.user.is_authenticated and queries.has_factor(user):  # on the way in, which began without one
        raise Conflict(_("You have a second factor by now. Sign in anew, with that."))
    asks = answer_to(request, user)
    if asks is SignWith.NONE:
        return ""
    if said is None or said.answer is signing.Answer.NONE:
        raise InvalidInput(_nothing_said(asks), field="again")
    if said.method == codes.RECOVERY_CODE:
        return said.method
    try:
        return signing.confirmed_with(said, user, asks=asks)
    except InvalidInput as error:
        raise InvalidInput(_does_not_count(asks), field="again") from error


def _nothing_said(asks: SignWith) -> str:
    if asks is SignWith.FACTOR:
        return _("You have a second factor. Type the code of your app or a recovery code, or use your passkey.")
    return _("You signed in a while ago. Type your password; or sign in anew.")


def _does_not_count(asks: SignWith) -> str:
    if asks is SignWith.FACTOR:
        return _("This is no code that counts: it takes your second factor, not your password. Nothing was changed.")
    return _("This is not your password. Nothing was changed. Type the one that you sign in with.")


@contextmanager
def _changing(action: Action, user: User, **data: object) -> Iterator[Attempt]:
    """Attempt a change of a person's factors: one after the other."""
    target = Target("person", user.get_username())
    with attempt(action, by=grants.actor(user), target=target, **data) as trial:
        guards.lock_people(user.pk)
        yield trial


def _recovery_codes(user: User) -> list[str]:
    """Make recovery codes, if the person has none, and return them: the only time that they are shown."""
    if queries.has(user, queries.RECOVERY):
        return []
    return list(RecoveryCodes.activate(user).generate_codes())


def _secret_in(request: HttpRequest) -> str:
    return unseal(request.session.get(NEW_SECRET, ""))
