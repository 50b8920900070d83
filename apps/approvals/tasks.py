"""The task by which beat rings the timers."""

from celery import shared_task

from apps.approvals import timers
from apps.audit.actions import Source
from apps.audit.context import Origin, came_through


@shared_task(name="approvals.tend")
def tend() -> None:
    """Do what has come due: expiry, reminders, waits that are over."""
    with came_through(Origin(Source.WORKER, "timers")):
        timers.tend()
