"""One's own password, changed by whoever knows the present one.

Being signed in is not enough: whoever sits down at an open browser is signed in. The present password is asked, and no
code or pass stands in for it; whoever has a second factor gives that too, where a change of factors would ask for it
(factors/services.py). So a stolen session and a password that somebody watched are not enough.

Afterwards nothing of before lets anybody in. Every other session ends and this one gets a new key; passes, an open
invitation and sign-ins half-way end too (the latter know what the password was). What stays: API tokens, for none was
made of the password and a pipeline must not stop (the page says so); and that a browser is known (doors.py), which lets
nobody in. No API does this: what holds a token must not take over its person.
"""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.accounts import grants, invitations, passes, sessions, signing
from apps.accounts.assurance import SignWith
from apps.accounts.factors import services as factors
from apps.accounts.models import User
from apps.accounts.passwords import password_counts
from apps.audit.actions import Action
from apps.audit.services import Target, attempt
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible


def why_none(user: User) -> str:
    """Say why there is no password for this person to change, and what to do instead; "" where there is one."""
    if not password_counts(user.get_username()):
        return _("Passwords are switched off here: you sign in with single sign-on. Change that password where it is.")
    if not user.has_usable_password():
        return _(
            "You have no password here: you sign in with single sign-on. Change that password where it is; or ask an "
            "admin for an invitation, to choose one here as well."
        )
    return ""


def check_there(user: User) -> None:
    """Refuse whoever has no password to change. Raises NotVisible."""
    if why := why_none(user):
        raise NotVisible(why)


def asked_factor(request: HttpRequest, user: User) -> SignWith:
    """Return what is asked beside the present password: a second factor, or nothing."""
    return SignWith.FACTOR if factors.answer_to(request, user) is SignWith.FACTOR else SignWith.NONE


def change(request: HttpRequest, user: User, *, present: str, new: str, factor: str = "") -> None:
    """Give whoever is signed in here another password, and end their other sessions.

    `factor` is a code, or a recovery code; else the pass that waits in this session counts. Raises InvalidInput
    (present, new, again: the factor), NotAllowed (too many wrong ones, signed out meanwhile), NotVisible (there is no
    password), Conflict (changed meanwhile).
    """
    # What is wrong with the new one is found first: it uses up no code, and is no guess at the present one.
    unfit = _why_unfit(user, present, new)
    said = None if unfit else signing.confirm(user, present, password_alone=True)
    also = factors.confirmation(request, user, factor) if _asks_also(request, user, said) else None
    target = Target("person", user.get_username())
    with attempt(Action.PASSWORD_CHANGED, by=grants.actor(user), target=target) as trial:
        person = _as_confirmed(request, user)
        if unfit:
            raise InvalidInput(unfit, field="new")
        method = _check_present(said, user)
        if asked_factor(request, user) is SignWith.FACTOR:
            method += ", " + factors.check_again(request, user, also)
        person.set_password(new)
        person.save(update_fields=["password"])
        passes.end_all_of(request, person)
        revoked = invitations.revoke_open(person)
        ended = sessions.go_on_alone(request, person)
        trial.done(method=method, sessions_ended=ended, invitations_revoked=revoked)


def _why_unfit(user: User, present: str, new: str) -> str:
    """Say what is wrong with a new password; "" where nothing is. What the present one is, it does not look at."""
    if new == present:
        return _("This is the same as the present one. Nothing was changed. Choose another.")
    try:
        validate_password(new, user)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _asks_also(request: HttpRequest, user: User, said: signing.Confirmation | None) -> bool:
    """Return whether a factor is looked at: not beside a wrong password, which would use it up for nothing."""
    right = said is not None and said.answer is signing.Answer.RIGHT
    return right and asked_factor(request, user) is SignWith.FACTOR


def _as_confirmed(request: HttpRequest, user: User) -> User:
    """Return the person, locked, as they were when their password was compared.

    Of two changes at once the second finds another password, and whoever was shut out meanwhile finds no session.
    """
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not person.is_active or not sessions.goes_on(request, person):
        raise NotAllowed(_("You were signed out meanwhile. Nothing was changed. Sign in again."))
    if person.password != user.password:
        raise Conflict(_("Your password was changed meanwhile, elsewhere. Sign in with the new one."))
    check_there(person)
    return person


def _check_present(said: signing.Confirmation | None, user: User) -> str:
    """Return how the present password was confirmed. Raises InvalidInput, NotAllowed."""
    try:
        return signing.confirmed_with(said, user, asks=SignWith.PASSWORD)
    except InvalidInput as error:
        message = _("This is not your present password. Nothing was changed. Type the one that you sign in with.")
        raise InvalidInput(message, field="present") from error
