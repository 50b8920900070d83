"""When the mirror brings other details of a version, the requests that are about it look at their evidence again.

Told in the transaction that mirrors them, each request gets a job: a request is locked before its model, whose lock the
mirror holds, and a pass over thousands of versions must not wait for their requests. A vote that is given meanwhile
waits for the model's lock too, and looks at the evidence under it: either it sees the new details and is refused, or it
comes first and the job dismisses it.
"""

from django.db import transaction

from apps.approvals import writing
from apps.approvals.advancing import reconsider
from apps.approvals.models import UNFINISHED, ApprovalRequest
from apps.audit.context import came_through
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.registry.observers import Change, Changed, observes

REFRESH_JOB = "approvals.refresh"
AT_ONCE = 500  # versions in one query


@observes
def look_again(changes: list[Change]) -> None:
    """Enqueue a fresh look at each unfinished request about a version whose details changed."""
    versions = sorted({change.version.pk for change in changes if change.what == Changed.DETAILS and change.version})
    for start in range(0, len(versions), AT_ONCE):
        concerned = ApprovalRequest.objects.filter(version__in=versions[start : start + AT_ONCE], state__in=UNFINISHED)
        for pk in concerned.order_by("pk").values_list("pk", flat=True):
            look_later(pk, requested_by="mlflow")


def look_later(request_id: int, *, requested_by: str) -> None:
    """Commit with the caller's transaction that a worker looks at a request again; one job at a time for each."""
    jobs.enqueue(REFRESH_JOB, key=f"{REFRESH_JOB}:{request_id}", requested_by=requested_by, request_id=request_id)


@handles(REFRESH_JOB)
def refresh(job: Job) -> None:
    """Look at one request again. The end of the job commits with it: details that come later find no active job."""
    with came_through(writing.origin(job)), transaction.atomic(durable=True):
        jobs.renew(job)
        reconsider(job.args["request_id"])
        jobs.finish(job)
