"""Reading the trail. Every list starts from `visible_events`, or from the parts in which it is `readable`."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps.audit import filters
from apps.audit.actions import Outcome
from apps.audit.models import AuditEvent
from apps.errors import NotVisible

READ_EVERYTHING = "accounts.audit_read"
FEW_MODELS = 300  # so many are named one by one, which lets the database go through their events alone


def visible_events(user: Any) -> QuerySet[AuditEvent]:
    """The events that `user` may read, newest first.

    All of them with audit:read; otherwise those of visible models, and what `user` did. A refusal because the object
    is out of sight is left out of the latter: its text may name what this person must not learn of. Through a token
    that is limited to models, only those of its models.
    """
    events = AuditEvent.objects.order_by("-id")
    if user is None or not getattr(user, "is_active", False):
        return events.none()
    if reads_everything(user):
        return events
    of_models = Q(model_id__in=_visible_model_ids(user))
    return events.filter(of_models if user.is_limited else of_models | _own(user))


def reads_everything(user: Any) -> bool:
    """Whether `user` may read every event."""
    return bool(user is not None and getattr(user, "is_active", False) and user.has_perm(READ_EVERYTHING))


def readable(user: Any) -> list[Q]:
    """Return `visible_events` as parts, each of which an index serves; an event can be in both."""
    if user is None or not getattr(user, "is_active", False):
        return []
    if reads_everything(user):
        return [Q()]
    ids = _visible_model_ids(user)
    few = list(ids[: FEW_MODELS + 1])
    named = [row["pk"] if isinstance(row, dict) else row for row in few]
    of_models = Q(model_id__in=named if len(named) <= FEW_MODELS else ids)
    own = [] if user.is_limited else [_own(user)]
    return [of_models, *own] if named else own


def filtered(events: QuerySet[AuditEvent], values: Mapping[str, Any]) -> QuerySet[AuditEvent]:
    """Narrow `events` to those that fit `values`: see `filters.condition`."""
    return events.filter(filters.condition(values))


def get_event(user: Any, number: int) -> AuditEvent:
    """One event. Raises NotVisible."""
    found = visible_events(user).filter(pk=number).first()
    if found is None:
        raise NotVisible(_("There is no event %(number)s, or you may not see it.") % {"number": number})
    return found


def _visible_model_ids(user: Any) -> QuerySet:
    return import_string(settings.AUDIT_VISIBLE_MODEL_IDS)(user)


def _own(user: Any) -> Q:
    return Q(actor=user.get_username()) & ~Q(outcome=Outcome.REFUSED, data__code=NotVisible.code)
