"""Reading notifications and webhooks. A person's list holds what they may read at this moment."""

from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, Case, Count, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from apps.errors import NotVisible
from apps.notifications.endpoints import needs_permission
from apps.notifications.models import Delivery, DeliveryState, Endpoint, Notification
from apps.notifications.queueing import model_references
from apps.notifications.visibility import visible, visible_model_ids
from apps.written import Question, ask

MOST_COUNTED = 100  # the bell says "99+" from here on
_UNREAD = """
    SELECT COUNT(*) FROM (
        SELECT 1 FROM notifications_notification WHERE user_id = %s AND read_at IS NULL
            AND (model_id IS NULL OR model_id IN ({readable})) LIMIT %s
    ) unread
"""


def notifications_of(user: Any) -> QuerySet[Notification]:
    """What the person is told of, unread first, then newest first."""
    read = Case(When(read_at=None, then=Value(False)), default=Value(True), output_field=BooleanField())
    rows = visible(user, Notification.objects.filter(user=user))
    return rows.annotate(is_read=read).order_by("is_read", "-event_id")


def unread(user: Any) -> QuerySet[Notification]:
    """What the person has not read yet, in no order."""
    return visible(user, Notification.objects.filter(user=user, read_at=None))


def unread_count(user: Any) -> int:
    """Return how many of `unread` there are, up to MOST_COUNTED."""
    return ask(unread_question(user))


def unread_question(user: Any) -> Question[int]:
    """Return how to ask for `unread_count`: it stands on every page, so it is written out."""
    readable, values = visible_model_ids(user).query.sql_with_params()
    query = _UNREAD.format(readable=readable)
    return Question(query, [user.pk, *values, MOST_COUNTED], lambda rows: int(rows[0][0]))


def endpoints(user: Any) -> QuerySet[Endpoint]:
    """Every webhook by name, with how many deliveries wait and were given up. Raises NotAllowed."""
    needs_permission(user)
    waiting = Count("deliveries", filter=Q(deliveries__state=DeliveryState.QUEUED))
    dead = Count("deliveries", filter=Q(deliveries__state=DeliveryState.DEAD))
    return Endpoint.objects.select_related("owner").annotate(waiting=waiting, dead=dead).order_by("name")


def get_endpoint(user: Any, number: int) -> Endpoint:
    """One webhook. Raises NotAllowed, NotVisible."""
    found = endpoints(user).filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no such webhook."))
    return found


def deliveries_of(user: Any, number: int, state: str = "") -> QuerySet[Delivery]:
    """The deliveries of a webhook, newest first, perhaps of one state. Raises NotAllowed, NotVisible."""
    endpoint = get_endpoint(user, number)
    rows = Delivery.objects.filter(endpoint=endpoint).order_by("-event_id")
    return rows.filter(state=state) if state else rows


def references_of(rows: Iterable[Endpoint]) -> dict[int, list[str]]:
    """Return endpoint id → the references of the models that it is limited to, by name."""
    rows = list(rows)
    names = model_references({key for row in rows for key in row.model_ids})
    return {row.pk: sorted(names[key] for key in row.model_ids if key in names) for row in rows}
