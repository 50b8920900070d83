"""What an event is in the vocabulary of audit logs of model registries, beside our own finer actions.

The type follows from an event's action, outcome and data, so that events of every age have one; it is not stored. The
meaning of an action never changes once events of it were exported: static/cli/verify_audit.py holds the same table.
"""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.audit.actions import Action, Outcome

ARCHIVED = "Archived"
NOWHERE = (ARCHIVED, "None")  # a promotion to one of these deploys nothing


class EventType(models.TextChoices):
    """What happened to a model, or to who may touch it. Refused and failed attempts are none of these."""

    MODEL_REGISTERED = "model_registered", _("Model registered")
    MODEL_UPDATED = "model_updated", _("Model updated")
    MODEL_DEPLOYED = "model_deployed", _("Model deployed")
    MODEL_ARCHIVED = "model_archived", _("Model archived")
    MODEL_DELETED = "model_deleted", _("Model deleted")
    STAGE_TRANSITION = "stage_transition", _("Stage transition")
    PERMISSION_CHANGED = "permission_changed", _("Permission changed")


MEANINGS: dict[str, EventType] = {
    Action.MODEL_MIRRORED: EventType.MODEL_REGISTERED,
    Action.VERSION_MIRRORED: EventType.MODEL_REGISTERED,
    Action.MODEL_CHANGED: EventType.MODEL_UPDATED,
    Action.VERSION_CHANGED: EventType.MODEL_UPDATED,
    Action.VERSION_ARTIFACTS_CHANGED: EventType.MODEL_UPDATED,
    Action.CARD_SUMMARY_WRITTEN: EventType.MODEL_UPDATED,  # the version's description in MLflow
    Action.MODEL_DELETED: EventType.MODEL_DELETED,
    Action.VERSION_DELETED: EventType.MODEL_DELETED,
    Action.REQUEST_APPLIED: EventType.MODEL_DEPLOYED,  # unless it goes NOWHERE
    Action.VERSION_STAGE_CHANGED: EventType.STAGE_TRANSITION,  # into Archived: MODEL_ARCHIVED
    Action.DELEGATION_GIVEN: EventType.PERMISSION_CHANGED,
    Action.DELEGATION_REVOKED: EventType.PERMISSION_CHANGED,
    Action.GRANT_CHANGED: EventType.PERMISSION_CHANGED,
    Action.MEMBERSHIP_CHANGED: EventType.PERMISSION_CHANGED,
    Action.TOKEN_CREATED: EventType.PERMISSION_CHANGED,
    Action.TOKEN_RENEWED: EventType.PERMISSION_CHANGED,
    Action.TOKEN_REVOKED: EventType.PERMISSION_CHANGED,
    Action.USER_CREATED: EventType.PERMISSION_CHANGED,
    Action.USER_DEACTIVATED: EventType.PERMISSION_CHANGED,
    Action.USER_INVITED: EventType.PERMISSION_CHANGED,
    Action.USER_REACTIVATED: EventType.PERMISSION_CHANGED,
}


def event_type(action: str, outcome: str, data: Mapping[str, Any]) -> str:
    """Return the type of an event, one of EventType's values; "" for events that are none of these."""
    meaning = MEANINGS.get(action) if outcome == Outcome.DONE else None
    if meaning is None:
        return ""
    if meaning is EventType.STAGE_TRANSITION and _stage_after(data) == ARCHIVED:
        return EventType.MODEL_ARCHIVED.value
    if meaning is EventType.MODEL_DEPLOYED and data.get("to_stage") in NOWHERE:
        return ""
    return meaning.value


def actions_of(*wanted: EventType) -> list[str]:
    """Return the actions whose events can be of these types; which of them are, `event_type` says."""
    kinds = {EventType.STAGE_TRANSITION if kind is EventType.MODEL_ARCHIVED else kind for kind in wanted}
    return sorted(str(action) for action, meaning in MEANINGS.items() if meaning in kinds)


def of_type(wanted: str) -> Q:
    """Return the condition that an event is of this type. Raises ValueError for a type that there is not."""
    kind = EventType(wanted)
    if kind is EventType.MODEL_ARCHIVED:
        return Q(outcome=Outcome.DONE, action=Action.VERSION_STAGE_CHANGED, data__after__stage=ARCHIVED)
    found = Q(outcome=Outcome.DONE, action__in=actions_of(kind))
    if kind is EventType.STAGE_TRANSITION:
        return found & (Q(data__after__stage__isnull=True) | ~Q(data__after__stage=ARCHIVED))
    if kind is EventType.MODEL_DEPLOYED:
        return found & (Q(data__to_stage__isnull=True) | ~Q(data__to_stage__in=NOWHERE))
    return found


def _stage_after(data: Mapping[str, Any]) -> Any:
    after = data.get("after")
    return after.get("stage") if isinstance(after, Mapping) else None
