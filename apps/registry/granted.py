"""What grants give on models that the mirror changes, and on those whose requests are finished."""

from django.db import transaction

from apps.accounts import granting
from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job

FOLLOW = "registry.follow_grants"
SYSTEM = "system:grants"


def release_later(model_id: int) -> None:
    """Commit with the caller's transaction that duties which waited for a model's requests are given now.

    By a job, for the caller holds locks that grants are given before. Nothing is added where nothing can wait.
    """
    if granting.duties_by_what_models_are():
        jobs.enqueue(FOLLOW, key=f"{FOLLOW}:{model_id}", requested_by=SYSTEM, model=model_id)


@handles(FOLLOW)
def follow(job: Job) -> None:
    """Give what waited, unless another request was made meanwhile."""
    with came_through(Origin(Source.WORKER, request_id=f"job-{job.pk}")), transaction.atomic():
        granting.follow([int(job.args["model"])])
