"""Who is told of what this app does itself: a webhook that Assent disabled."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext_noop

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.notifications.audiences import Message, tells
from apps.notifications.models import Kind
from apps.notifications.sending.webhooks import SYSTEM


@tells(Action.WEBHOOK_CHANGED)
def managers_of_a_disabled_webhook(event: AuditEvent) -> Iterable[Message]:
    """Tell everybody who manages webhooks that Assent has stopped sending to one."""
    if event.actor != SYSTEM.name:
        return
    text = gettext_noop("The webhook “%(name)s” was disabled: %(why)s")
    values = {"name": event.target, "why": event.reason}
    url = reverse("notifications:webhook-detail", args=[event.data["webhook"]])
    for user in grants.holders(Permission.WEBHOOK_MANAGE):
        yield Message(user.pk, text, url, Kind.FAILED, values)
