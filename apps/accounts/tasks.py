"""The task by which beat marks grants as ended whose time is over."""

from celery import shared_task

from apps.accounts import giving
from apps.audit.actions import Source
from apps.audit.context import Origin, came_through


@shared_task(name="accounts.lapse_grants")
def lapse_grants() -> None:
    """End the grants whose last day is over."""
    with came_through(Origin(Source.WORKER, "timers")):
        while giving.lapse() == giving.AT_ONCE:
            pass
