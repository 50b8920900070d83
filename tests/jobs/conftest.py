from collections.abc import Callable, Iterator

import pytest

from apps.jobs import handlers, services
from apps.jobs.models import Job


@pytest.fixture
def handle() -> Iterator[Callable[..., None]]:
    """Register a handler for the kind "test", for this test alone."""
    before = dict(handlers._handlers)

    def register(handler: handlers.Handler, gave_up: handlers.GaveUp | None = None) -> None:
        handlers.handles("test", gave_up=gave_up)(handler)

    yield register
    handlers._handlers.clear()
    handlers._handlers.update(before)


@pytest.fixture
def job(db) -> Job:
    return services.enqueue("test", requested_by="alice", number=7)


def expire(job: Job) -> None:
    """Let the lease of a job's worker end, as if the worker had died."""
    Job.objects.filter(pk=job.pk).update(lease_until=job.created_at)


def make_due(job: Job) -> None:
    """Skip the pause before the next attempt."""
    Job.objects.filter(pk=job.pk).update(not_before=job.created_at)
