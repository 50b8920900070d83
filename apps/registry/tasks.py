"""The mirror's jobs, and the task by which beat asks for a sync."""

from celery import shared_task

from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.jobs.services import put_back, renew
from apps.registry import connections
from apps.registry.details import jobs as detail_jobs
from apps.registry.syncing import jobs  # noqa: F401 - registers the handlers of passes
from apps.registry.syncing.requests import TURN_SECONDS, enqueue_sync
from apps.registry.webhooks import receiving


@shared_task(name="registry.request_sync")
def request_sync() -> None:
    """Put a sync of each connection in the queue; while one waits or runs, nothing is added."""
    for connection in connections.enabled():
        enqueue_sync("system:beat", connection.name)


@handles(detail_jobs.DETAILS)
def read_details(job: Job) -> None:
    """Read runs and files of a connection's versions, many at a time, and stand in line again when more are due."""
    connection, looked_at = str(job.args["connection"]), 0

    def show(done: int, total: int) -> None:
        nonlocal looked_at
        looked_at = done
        renew(job, done=done, total=total)

    with came_through(Origin(Source.SYNC, request_id=f"job-{job.pk}")):
        detail_jobs.read_due_details(show, connection, seconds=TURN_SECONDS)
    if looked_at and detail_jobs.next_due(connection, 1):
        put_back(job)


@handles(detail_jobs.VERSION)
def read_version_details(job: Job) -> None:
    """Read the run and the files of the version whose page somebody opened."""
    with came_through(Origin(Source.SYNC, request_id=f"job-{job.pk}")):
        detail_jobs.read_version(int(job.args["version"]))


@shared_task(name="registry.prune_deliveries")
def prune_deliveries() -> None:
    """Remove what nobody needs any more of MLflow's deliveries."""
    receiving.prune()
