"""The trail as an outbox: its events, in order and each once, become notifications and deliveries.

Events are numbered without a gap, and the next number is given only after the one before has committed. So "what comes
after the last one handled" leaves nothing out, and the cursor commits together with what a batch of events became.
"""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import AuditEvent, ChainHead
from apps.notifications import audiences, preferences, visibility
from apps.notifications.audiences import Message
from apps.notifications.models import Endpoint, Notification, OutboxCursor
from apps.notifications.queueing import queue, wanted_by

logger = logging.getLogger(__name__)
BATCH = 500  # events in one transaction


def fan_out() -> int:
    """Tell everybody concerned of all events since the last time. Returns how many events were looked at.

    The very first time begins with what happens from then on: nobody is told of the past.
    """
    looked_at = 0
    while _has_more() and (batch := _one_batch()):
        looked_at += batch
    return looked_at


def _has_more() -> bool:
    """Look without a lock: most times there is nothing to do."""
    cursor = OutboxCursor.objects.filter(id=1).first()
    return cursor is None or cursor.last_id < _newest()


def _one_batch() -> int:
    with transaction.atomic():
        cursor, made = OutboxCursor.objects.select_for_update().get_or_create(id=1, defaults={"last_id": _newest()})
        until = min(cursor.last_id + BATCH, _newest())
        if made or until <= cursor.last_id:  # somebody else was first
            return 0
        endpoints = list(Endpoint.objects.filter(enabled=True).select_related("owner").order_by("pk"))
        wanted = audiences.told_actions() | wanted_by(endpoints)
        between = AuditEvent.objects.filter(pk__gt=cursor.last_id, pk__lte=until, action__in=wanted)
        events = list(between.order_by("pk"))
        for event in events:
            _tell(event)
        queue(events, endpoints)
        looked_at = until - cursor.last_id
        cursor.last_id = until
        cursor.save(update_fields=["last_id"])
    return looked_at


def _newest() -> int:
    """Return the number of the last event that has committed."""
    return ChainHead.objects.filter(id=1).values_list("last_id", flat=True).first() or 0


def _tell(event: AuditEvent) -> None:
    """Store what people are told of one event. A fault in saying whom must not hold back all that follows."""
    for last_try in (False, True):
        try:
            with transaction.atomic():
                rows = _rows(event, audiences.messages(event))
                Notification.objects.bulk_create(rows, ignore_conflicts=True)
            return
        except OperationalError:  # perhaps the database's own trouble; when it is lost, so is the whole batch
            if last_try:
                logger.exception("nobody could be told of event %s", event.pk)
        except Exception:
            # Whom an event concerns, and in which words, is said by the apps above (audiences.tells), so anything can
            # be raised here; its savepoint is rolled back. The cursor goes on: events are told in order, and one that
            # nobody can tell of would otherwise silence all that come after it. The trail has it, and the log says so.
            logger.exception("nobody could be told of event %s", event.pk)
            return


def _rows(event: AuditEvent, messages: Sequence[Message]) -> list[Notification]:
    ids = [message.user_id for message in messages]
    people = User.objects.select_related("notification_preferences").in_bulk(ids) if ids else {}
    told = [(people[message.user_id], message) for message in messages if message.user_id in people]
    return [
        _row(event, user, message)
        for user, message in told
        if (message.themselves or user.get_username() != event.actor) and visibility.may_read(user, event.model_id)
    ]


def _row(event: AuditEvent, user: User, message: Message) -> Notification:
    chosen = getattr(user, "notification_preferences", None) or preferences.Preferences(user=user)
    mailed = settings.MAIL_ENABLED and user.email
    return Notification(
        user=user,
        event_id=event.pk,
        model_id=event.model_id,
        action=event.action,
        kind=message.kind,
        text=message.text,
        values=message.values,
        url=message.url,
        created_at=event.at,
        mail_at=preferences.mail_at(chosen, message.kind, timezone.now()) if mailed else None,
    )
