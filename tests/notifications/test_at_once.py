"""Several workers at once: everything is told once, delivered once, and in order for each model."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.jobs.models import Job
from apps.notifications import endpoints, outbox
from apps.notifications.models import Delivery, Notification
from tests.builders import make_model
from tests.notifications.conftest import happen, work

WORKERS = 4


def at_once(act: Callable[[], object]) -> list[BaseException]:
    """Let several workers do the same at the same time. Returns what went wrong."""
    start = threading.Barrier(WORKERS)

    def worker() -> None:
        start.wait()
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        ended = [pool.submit(worker) for _ in range(WORKERS)]
    return [error for future in ended if (error := future.exception())]


@pytest.mark.django_db(transaction=True)
def test_workers_that_read_the_trail_at_once_tell_each_event_once(charlie, tell):
    tell(charlie)
    model = make_model()
    outbox.fan_out()
    for _ in range(30):
        happen(model)
    assert (at_once(outbox.fan_out), Notification.objects.filter(user=charlie).count()) == ([], 30)


@pytest.mark.django_db(transaction=True)
def test_workers_that_deliver_at_once_keep_each_model_in_order(admin, receiver):
    outbox.fan_out()
    endpoints.add_endpoint(by=admin, name="chat", url=receiver.url, events=["model.*"])
    models = [make_model(f"m{number}") for number in range(6)]
    for _ in range(4):
        for model in models:
            happen(model)
    assert at_once(work) == []
    work()
    arrived = [(post.json["data"]["model"], post.json["data"]["event"]) for post in receiver.posts]
    assert (len(arrived), len(set(arrived)), Delivery.objects.exclude(state="done").count()) == (24, 24, 0)
    for model in models:
        mine = [event for name, event in arrived if name == model.reference]
        assert mine == sorted(mine)
    assert Job.objects.exclude(state="done").count() == 0
