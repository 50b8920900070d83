"""Who is told that an account was changed: its person, also where they did it, for somebody else may have, as them."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext_noop as noop

from apps.accounts.models import User
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.notifications.audiences import Message, tells
from apps.notifications.models import Kind


@tells(Action.PASSWORD_CHANGED)
def of_a_changed_password(event: AuditEvent) -> Iterable[Message]:
    """Tell whose password it is."""
    text = noop("Your password was changed, and you were signed out elsewhere. If it was not you, tell an admin now")
    person = User.objects.filter(username=event.target).first()
    return [Message(person.pk, text, reverse("accounts:security"), Kind.ACCOUNT, themselves=True)] if person else []
