"""Marking notifications as read. A person's own eyes change nothing that others rely on: this is not recorded."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, F, Value, When
from django.utils import timezone

from apps.notifications.models import Notification
from apps.notifications.preferences import MAILED_THOUGH_READ


def mark_read(*, by: Any, ids: Iterable[int] | None = None) -> int:
    """Mark those of the person's notifications as read, or all of them (None). Returns how many were unread.

    Others' numbers, and numbers that do not exist, are left alone. What was read needs no mail any more,
    but for what tells of a change of the person's own account.
    """
    rows = Notification.objects.filter(user=by, read_at=None)
    if ids is not None:
        rows = rows.filter(pk__in=[number for number in ids if 0 < number < 2**63])
    mail_at = Case(When(kind__in=MAILED_THOUGH_READ, then=F("mail_at")), default=Value(None))
    return rows.update(read_at=timezone.now(), mail_at=mail_at)
