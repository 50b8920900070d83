"""Reading the trail. Every list starts from `visible_events`."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps.audit.actions import Outcome
from apps.audit.event_types import of_type
from apps.audit.models import AuditEvent
from apps.errors import NotVisible

READ_EVERYTHING = "accounts.audit_read"
EQUAL = ("action", "actor", "model_id", "outcome", "source")


def visible_events(user: Any) -> QuerySet[AuditEvent]:
    """The events that `user` may read, newest first.

    All of them with audit:read; otherwise those of visible models, and what `user` did. A refusal because the object
    is out of sight is left out of the latter: its text may name what this person must not learn of. Through a token
    that is limited to models, only those of its models.
    """
    events = AuditEvent.objects.order_by("-id")
    if user is None or not getattr(user, "is_active", False):
        return events.none()
    if user.has_perm(READ_EVERYTHING):
        return events
    of_models = Q(model_id__in=import_string(settings.AUDIT_VISIBLE_MODEL_IDS)(user))
    if user.is_limited:
        return events.filter(of_models)
    out_of_sight = Q(outcome=Outcome.REFUSED, data__code=NotVisible.code)
    return events.filter(of_models | (Q(actor=user.get_username()) & ~out_of_sight))


def filtered(events: QuerySet[AuditEvent], filters: Mapping[str, Any]) -> QuerySet[AuditEvent]:
    """Narrow by exact `action`, `actor`, `model_id`, `outcome`, `source`; by `event_type`; by text in `target`; by day.

    `since` and `until` are whole days in UTC, both included. Empty values and other keys narrow nothing.
    """
    events = events.filter(**{name: filters[name] for name in EQUAL if filters.get(name) not in (None, "")})
    if filters.get("event_type"):
        events = events.filter(of_type(filters["event_type"]))
    if filters.get("target"):
        events = events.filter(target__icontains=filters["target"])
    if filters.get("since"):
        events = events.filter(at__gte=_moment(filters["since"], time.min))
    if filters.get("until"):
        events = events.filter(at__lte=_moment(filters["until"], time.max))
    return events


def get_event(user: Any, number: int) -> AuditEvent:
    """One event. Raises NotVisible."""
    found = visible_events(user).filter(pk=number).first()
    if found is None:
        raise NotVisible(_("There is no event %(number)s, or you may not see it.") % {"number": number})
    return found


def _moment(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, tzinfo=UTC)
