"""What beat asks for: read on in the trail, send what is due, forget what is old."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.notifications import outbox
from apps.notifications.models import Delivery, Notification
from apps.notifications.sending import lanes, mail

KEEP_READ = timedelta(days=90)
KEEP_FINISHED = timedelta(days=30)
PRUNE_BATCH = 1000


@shared_task(name="notifications.fan_out")
def fan_out() -> None:
    """Tell of what is new in the trail, and have everything sent that is due."""
    try:
        outbox.fan_out()
    finally:  # what was queued earlier does not wait for a fault in what comes after
        lanes.start_due()
        mail.start_due()


@shared_task(name="notifications.prune")
def prune() -> None:
    """Remove notifications that were read, and deliveries that ended, long ago."""
    now = timezone.now()
    read = Notification.objects.filter(read_at__lt=now - KEEP_READ)
    finished = Delivery.objects.filter(finished_at__lt=now - KEEP_FINISHED)
    for rows, table in ((read, Notification), (finished, Delivery)):
        while batch := list(rows.values_list("pk", flat=True)[:PRUNE_BATCH]):
            table._default_manager.filter(pk__in=batch).delete()
