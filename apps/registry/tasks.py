"""The mirror's jobs, and the task by which beat asks for a sync."""

from celery import shared_task
from django.db import transaction

from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.jobs.services import finish, renew
from apps.registry import connections, detail_jobs, services, sync
from apps.registry.models import Connection, TouchedModel
from apps.registry.syncing import requests


@shared_task(name="registry.request_sync")
def request_sync() -> None:
    """Put a sync of each connection in the queue; while one waits or runs, nothing is added."""
    for connection in connections.enabled():
        services.enqueue_sync("system:beat", connection.name)


@handles(requests.SYNC)
def run_sync(job: Job) -> None:
    """Mirror MLflow once, and have the details read that are due then."""
    with came_through(Origin(Source.WORKER, request_id=f"job-{job.pk}")):
        sync.close_abandoned()
        sync.synchronise(
            requested_by=job.requested_by,
            connection=str(job.args["connection"]),
            progress=lambda done, total, note: renew(job, done=done, total=total, note=note),
        )
        services.enqueue_details(job.requested_by, str(job.args["connection"]))


@handles(detail_jobs.DETAILS)
def read_details(job: Job) -> None:
    """Read runs and files of a connection's versions, many at a time."""
    with came_through(Origin(Source.WORKER, request_id=f"job-{job.pk}")):
        detail_jobs.read_due_details(
            lambda done, total: renew(job, done=done, total=total), str(job.args["connection"])
        )


@handles(detail_jobs.VERSION)
def read_version_details(job: Job) -> None:
    """Read the run and the files of the version whose page somebody opened."""
    with came_through(Origin(Source.WORKER, request_id=f"job-{job.pk}")):
        detail_jobs.read_version(int(job.args["version"]))


@handles(requests.TOUCHED)
def read_touched(job: Job) -> None:
    """Read the models that MLflow named, until none is left."""
    connection = str(job.args["connection"])
    with came_through(Origin(Source.WORKER, request_id=f"job-{job.pk}")):
        while True:
            for row in TouchedModel.objects.filter(connection=connection).order_by("pk"):
                sync.synchronise(requested_by=job.requested_by, model=row.name, connection=connection)
                TouchedModel.objects.filter(pk=row.pk, noted_at=row.noted_at).delete()
                renew(job)
            with transaction.atomic():
                Connection.objects.select_for_update().get(pk=connection)
                if not TouchedModel.objects.filter(connection=connection).exists():
                    finish(job)
                    return
