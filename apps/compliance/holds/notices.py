"""Who is told of holds: whoever may set and lift them on the model; of a broken one reviewers, too."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext_noop as noop

from apps.accounts.permissions import Permission
from apps.approvals.recipients import holders
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.notifications.audiences import Message, tells
from apps.notifications.models import Kind
from apps.registry.models import RegisteredModel

TEXTS = {
    Action.HOLD_SET: noop("%(actor)s put %(what)s on legal hold"),
    Action.HOLD_LIFTED: noop("%(actor)s lifted the legal hold of %(what)s"),
    Action.HOLD_BROKEN: noop("Legal hold broken: %(what)s was deleted or changed in MLflow"),
}


@tells(*TEXTS)
def of_holds(event: AuditEvent) -> Iterable[Message]:
    """Tell who answers for the model."""
    model = RegisteredModel.objects.filter(pk=event.model_id).first() if event.model_id else None
    if model is None:
        return []
    action, people = Action(event.action), holders(Permission.MODEL_DELETE, model)
    if action is Action.HOLD_BROKEN:
        people = people | holders(Permission.MODEL_REVIEW, model)
    kind = Kind.DRIFT if action is Action.HOLD_BROKEN else Kind.OTHER
    number = event.data.get("version")
    what = f"{model.reference} v{number}" if number is not None else model.reference
    url, values = reverse("compliance:hold-list"), {"actor": event.actor, "what": what}
    keys = people.order_by().values_list("pk", flat=True).distinct()
    return [Message(key, TEXTS[action], url, kind, values) for key in keys]
