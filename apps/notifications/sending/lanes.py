"""Which delivery goes next. Those of one model wait for each other; different models do not.

Each endpoint has a few slots, and each model always the same one: a slot is a job, so that one worker at a time sends
what belongs to a model, however many workers there are. Several slots go at the same time.
"""

import time
from datetime import datetime

from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.jobs.handlers import handles
from apps.jobs.models import ACTIVE_STATES, Job
from apps.jobs.services import enqueue, renew
from apps.notifications.models import Delivery, DeliveryState
from apps.notifications.sending import webhooks

DELIVER_JOB = "notifications.deliver"
SLOTS = 4  # of each endpoint
BUDGET_SECONDS = 20  # then the worker is free for other work; beat asks again
LOOK = 500  # models that are looked at for what is due


def due(now: datetime) -> QuerySet[Delivery]:
    """The deliveries to try at `now`: the first that waits of each endpoint and model, where its time has come."""
    waiting = Delivery.objects.filter(state=DeliveryState.QUEUED, endpoint__enabled=True)
    earlier = Delivery.objects.filter(
        state=DeliveryState.QUEUED,
        endpoint=OuterRef("endpoint"),
        lane=OuterRef("lane"),
        event_id__lt=OuterRef("event_id"),
    )
    return waiting.filter(~Exists(earlier), next_at__lte=now)


def start_due() -> int:
    """Have every slot with something due worked on. Returns how many."""
    found = due(timezone.now()).order_by("next_at").values_list("endpoint_id", "lane")[:LOOK]
    wanted = {_key(endpoint, lane % SLOTS): (endpoint, lane % SLOTS) for endpoint, lane in found}
    busy = set(Job.objects.filter(key__in=wanted, state__in=ACTIVE_STATES).values_list("key", flat=True))
    for key in sorted(wanted.keys() - busy):
        endpoint, slot = wanted[key]
        enqueue(DELIVER_JOB, requested_by="system:notifications", key=key, endpoint=endpoint, slot=slot)
    return len(wanted)


@handles(DELIVER_JOB)
def deliver(job: Job) -> None:
    """Send what is due in one slot, one after the other."""
    endpoint, slot = int(job.args["endpoint"]), int(job.args["slot"])
    began = time.monotonic()
    with came_through(Origin(Source.WORKER, request_id=f"job-{job.pk}")):
        while time.monotonic() - began < BUDGET_SECONDS and (delivery := _next(endpoint, slot)):
            renew(job)
            webhooks.attempt(delivery, fence=lambda: renew(job))


def _next(endpoint: int, slot: int) -> Delivery | None:
    rows = due(timezone.now()).filter(endpoint=endpoint).annotate(slot=F("lane") % SLOTS).filter(slot=slot)
    return rows.select_related("endpoint__owner").order_by("next_at", "event_id").first()


def _key(endpoint: int, slot: int) -> str:
    return f"{DELIVER_JOB}:{endpoint}:{slot}"
