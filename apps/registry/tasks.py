"""The mirror's jobs, and the task by which beat asks for a sync."""

from celery import shared_task

from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.jobs.services import renew
from apps.registry import services, sync


@shared_task(name="registry.request_sync")
def request_sync() -> None:
    """Put a sync in the queue; while one waits or runs, nothing is added."""
    services.enqueue_sync("system:beat")


@handles(services.SYNC)
def run_sync(job: Job) -> None:
    """Mirror MLflow once, and have the details read that are due then."""
    with came_through(Origin(Source.WORKER, request_id=f"job-{job.pk}")):
        sync.close_abandoned()
        sync.synchronise(
            requested_by=job.requested_by,
            full=bool(job.args.get("full")),
            progress=lambda done, total, note: renew(job, done=done, total=total, note=note),
        )
        services.enqueue_details(job.requested_by)


@handles(services.DETAILS)
def read_details(job: Job) -> None:
    """Read runs and MLmodel files of versions, a few at a time."""
    with came_through(Origin(Source.WORKER, request_id=f"job-{job.pk}")):
        services.read_due_details(lambda done, total: renew(job, done=done, total=total))
