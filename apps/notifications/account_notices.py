"""Who is told that an account was changed: its person, also where they did it, for somebody else may have, as them."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext_noop as noop

from apps.accounts.models import User
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.notifications.audiences import Message, tells
from apps.notifications.models import Kind

TEXTS = {
    Action.PASSWORD_CHANGED: noop(
        "Your password was changed, and you were signed out elsewhere. If it was not you, tell an admin now"
    ),
    Action.IDENTITY_CONNECTED: noop(
        "Single sign-on was connected with your account: who signs in there comes in as you. If it was not you, tell "
        "an admin now"
    ),
    Action.FACTOR_ADDED: noop(
        "A second factor or new recovery codes were added to your account. If it was not you, tell an admin now"
    ),
    Action.FACTOR_REMOVED: noop(
        "%(actor)s removed a second factor of your account. If you did not want it, tell an admin now"
    ),
}
# Of an account that was in use: whoever has the link, the admin who made it too, comes in as its person.
OF_INVITATIONS = {
    Action.USER_INVITED: noop(
        "%(actor)s made a link by which another password can be chosen for your account. If you did not ask for it, "
        "tell another admin now"
    ),
    Action.INVITATION_USED: noop(
        "Another password was chosen for your account through an invitation, and you were signed out everywhere. If it "
        "was not you, tell an admin now"
    ),
}
# Of one that nobody had used: who is really invited hears of it at their address, whoever had the link.
FIRST_PASSWORD = noop(
    "A password was chosen for your account through its invitation. If it was not you, tell an admin now"
)


@tells(*TEXTS)
def of_a_changed_account(event: AuditEvent) -> Iterable[Message]:
    """Tell whose password, second factor, or way in by single sign-on it is."""
    return _to_its_person(event, TEXTS[Action(event.action)])


@tells(*OF_INVITATIONS)
def of_an_invitation(event: AuditEvent) -> Iterable[Message]:
    """Tell whose account it opens, and that a password was chosen by it; not that somebody is invited at first."""
    if event.data.get("in_use"):
        return _to_its_person(event, OF_INVITATIONS[Action(event.action)])
    return _to_its_person(event, FIRST_PASSWORD) if event.action == Action.INVITATION_USED else []


def _to_its_person(event: AuditEvent, text: str) -> list[Message]:
    person = User.objects.filter(username=event.target).first()
    if person is None:
        return []
    url = reverse("accounts:security")
    return [Message(person.pk, text, url, Kind.ACCOUNT, {"actor": event.actor}, themselves=True)]
