"""Who may be told of what: the same predicate as the trail's, asked when something is stored, shown and sent."""

from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from apps.audit.models import AuditEvent
from apps.audit.queries import visible_events


def may_read(user: Any, model_id: int | None) -> bool:
    """Return whether `user` may learn at this moment of something about this model (None: about no model)."""
    if not user.is_active:
        return False
    return model_id is None or visible_model_ids(user).filter(pk=model_id).exists()


def visible(user: Any, rows: QuerySet) -> QuerySet:
    """Return those `rows` (with a column `model_id`) that `user` may read at this moment.

    Through a token that is limited to models, only those about them.
    """
    of_models = Q(model_id__in=visible_model_ids(user))
    return rows.filter(of_models if user.is_limited else Q(model_id=None) | of_models)


def events_for(owner: Any, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """Return those `events` that may leave in the name of `owner`: what they may read, refused attempts left out."""
    return events.filter(pk__in=visible_events(owner).order_by().values("pk")).exclude(outcome="refused")


def visible_model_ids(user: Any) -> QuerySet:
    """Return the ids of the mirror's models that `user` may read at this moment."""
    return import_string(settings.AUDIT_VISIBLE_MODEL_IDS)(user)
