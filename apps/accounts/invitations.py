"""Invitations: a link by which a person chooses their password, once. Made by admins (services.py), used here.

The link is shown once to the admin, and mailed where mail is set up. Its text has 256 random bits; stored is its hash.
"""

import logging
import secrets
import smtplib
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants, guards, sessions
from apps.accounts.authentication import digest_of
from apps.accounts.models import Invitation, User
from apps.audit.actions import Action
from apps.audit.services import Actor, Target, attempt
from apps.errors import InvalidInput, NotVisible

logger = logging.getLogger(__name__)
MAX_TEXT = 100


@dataclass(frozen=True)
class NewInvitation:
    """An invitation just made, with its text, which nobody can read again; `mailed`: whether the mail went out."""

    invitation: Invitation
    text: str
    mailed: bool = False

    @property
    def link(self) -> str:
        """The address that the person opens; a path alone where the installation's public address is not set."""
        return settings.PUBLIC_URL + reverse("accounts:invitation", args=[self.text])


def issue(person: User, *, by: User) -> NewInvitation:
    """Make an invitation in the caller's transaction, with the person locked; an open one before it is revoked."""
    now, text = timezone.now(), secrets.token_urlsafe(32)
    revoke_open(person)
    made = Invitation.objects.create(
        person=person,
        digest=digest_of(text),
        invited_by=by.get_username(),
        expires_at=now + timedelta(hours=settings.INVITATION_HOURS),
    )
    return NewInvitation(made, text)


def revoke_open(person: User) -> int:
    """Revoke the person's open invitation, in the caller's transaction; return how many there were."""
    return person.invitations.filter(used_at=None, revoked_at=None).update(revoked_at=timezone.now())


def mail(made: NewInvitation) -> NewInvitation:
    """Mail the link to its person, where there is a mail server, an e-mail address, and a public address to link to.

    After the commit: a mail server that does not answer (ten seconds a step) leaves the link to be handed over.
    """
    person = made.invitation.person
    if not (settings.MAIL_ENABLED and settings.PUBLIC_URL and person.email):
        return made
    body = render_to_string("accounts/mail/invitation.txt", {"made": made, "hours": settings.INVITATION_HOURS})
    try:
        EmailMessage(_("Your invitation to Assent"), body, to=[person.email]).send()
    except (smtplib.SMTPException, OSError, ValueError):  # ValueError: an address that no mail can go to
        logger.exception("the invitation of %s could not be mailed", person.get_username())
        return made
    return NewInvitation(made.invitation, made.text, mailed=True)


def invitation_of(text: str) -> Invitation:
    """Return the invitation of this link. Raises NotVisible: unknown, used, revoked, expired, person inactive."""
    found = Invitation.objects.select_related("person").filter(digest=digest_of(text[:MAX_TEXT])).first()
    if found is None or not found.usable:
        raise NotVisible(_("This invitation does not count any more, or never did. Ask an admin for a new one."))
    return found


def use(text: str, password: str) -> User:
    """Choose the password that an invitation asks for; return its person. Sessions of before end.

    Raises NotVisible as `invitation_of`, InvalidInput (password).
    """
    by, target = Actor(sessions.UNKNOWN), Target("person", sessions.UNKNOWN)
    with attempt(Action.INVITATION_USED, by=by, target=target) as trial:
        person = invitation_of(text).person
        guards.lock_people(person.pk)
        trial.by, trial.target = grants.actor(person), Target("person", person.get_username())
        invitation_of(text)  # of two at once, the other one found it used
        try:
            validate_password(password, person)
        except ValidationError as error:
            raise InvalidInput(" ".join(error.messages), field="password") from error
        before = in_use(person)
        person.set_password(password)
        person.save(update_fields=["password"])
        person.invitations.filter(used_at=None, revoked_at=None).update(used_at=timezone.now())
        trial.done(in_use=before, sessions_ended=sessions.end_all_of(person))
    return person


def in_use(person: User) -> bool:
    """Return whether a person could come in, or came in, before: then an invitation opens an account that is theirs."""
    return bool(person.last_login) or person.has_usable_password()


def prune() -> int:
    """Delete invitations that ended long ago: the trail remembers them. Returns how many."""
    with transaction.atomic():
        return Invitation.objects.filter(expires_at__lt=timezone.now() - timedelta(days=90)).delete()[0]
