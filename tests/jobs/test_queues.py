"""What comes in heaps stands in a queue of its own: a worker takes turns between it and the other one."""

import pytest
from celery import Celery
from celery import current_app as celery
from kombu import Consumer

from apps.jobs import services
from apps.jobs.models import Job, JobState


@pytest.fixture
def broker(monkeypatch):
    """A broker in this process, with queues as configured."""
    app = Celery("turns", broker="memory://", set_as_current=False)
    monkeypatch.setattr(celery.amqp, "_producer_pool", app.amqp.producer_pool)
    with app.connection_for_read() as connection:
        yield connection


def delivered(connection, most: int) -> list[int]:
    """The numbers of the jobs that a worker without -Q is told of, in that order."""
    order: list[int] = []

    def take(body, message) -> None:
        order.append(body[0][0])
        message.ack()

    queues = list(celery.amqp.queues.consume_from.values())
    with Consumer(connection, queues, callbacks=[take]) as consumer:
        consumer.qos(prefetch_count=1)
        while len(order) < most:
            connection.drain_events(timeout=5)
    return order


def test_a_job_asked_for_after_a_heap_is_delivered_before_most_of_it(transactional_db, broker):
    heap = [services.enqueue("heap", requested_by="alice", bulk=True).pk for _ in range(20)]
    apply = services.enqueue("apply", requested_by="alice").pk
    order = delivered(broker, 21)
    assert sorted(order) == [*heap, apply]
    assert order.index(apply) <= 2


def test_the_sweep_rings_in_the_queue_where_the_job_stands(transactional_db, broker):
    heap = [services.enqueue("heap", requested_by="alice", bulk=True).pk for _ in range(20)]
    delivered(broker, 20)
    apply = services.enqueue("apply", requested_by="alice").pk
    delivered(broker, 1)
    services.sweep()
    order = delivered(broker, 21)
    assert (sorted(order), order.index(apply) <= 2) == ([*heap, apply], True)


def test_a_job_that_is_put_back_waits_with_all_its_attempts(db, job):
    held = services.claim(job.pk)
    services.put_back(held)
    services.finish(held)
    assert Job.objects.values_list("state", "attempts", "lease_until").get() == (JobState.QUEUED, 0, None)


def test_a_job_that_another_worker_took_is_not_put_back(db, job):
    held = services.claim(job.pk)
    Job.objects.update(lease_token="another's")
    services.put_back(held)
    assert Job.objects.get().state == JobState.RUNNING
