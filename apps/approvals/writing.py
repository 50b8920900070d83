"""What the jobs that write to MLflow have in common: an apply, and the revert of drift.

Each reads MLflow, commits the intention, writes what is missing, reads back, and commits the result together with the
end of the job. A worker may be killed at any line; the one after it starts again at the reading.
"""

from collections.abc import Callable
from contextlib import suppress

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.approvals.models import ApprovalRequest, DriftFinding, DriftState, RequestState
from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.errors import UpstreamUnavailable, WrongState
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.registry import stages
from apps.registry.mlflow import RemoteVersion
from apps.registry.models import ModelVersion, RegisteredModel

MOVED_MEANWHILE = gettext_lazy(
    "MLflow moved %(what)s in the moment before the write, so nothing was written. Look at what it says now, then try "
    "again, or withdraw the request and ask anew."
)


def origin(job: Job) -> Origin:
    """Return what the trail says about where a job's events come from."""
    return Origin(Source.WORKER, f"job-{job.pk}")


def close_as_failed(job: Job, error: str, fail: Callable[[], None]) -> None:
    """Commit `fail()` with the end of a job that has no attempt left; nothing when another worker has the job."""
    with came_through(origin(job)):
        try:
            with transaction.atomic(durable=True):
                jobs.renew(job)
                fail()
                jobs.fail(job, error, retry=False)
        except jobs.LeaseLost:
            return  # another worker has the job, and decides


def check_enabled(model: RegisteredModel) -> None:
    """Raise WrongState when the connection of the model was disabled: Assent leaves that MLflow alone then."""
    if not model.connection.enabled:
        message = _("The connection %(name)s is disabled, so Assent writes nothing there. Enable it, then try again.")
        raise WrongState(message % {"name": model.connection_id})


def check_alone(model_id: int, *, request_id: int = 0, finding_id: int = 0) -> None:
    """Raise UpstreamUnavailable, so that the job is tried again soon, while another one writes to the same model.

    `request_id` or `finding_id` is the caller's own. Two that archive each other's version would leave the stage to
    chance. The caller has locked the model's row, so that two workers cannot both pass.
    """
    applying = ApprovalRequest.objects.filter(version__model=model_id, state=RequestState.APPLYING)
    if number := applying.exclude(pk=request_id).values_list("pk", flat=True).first():
        message = _("Request %(number)s of the same model is being applied; this one follows.")
        raise UpstreamUnavailable(message % {"number": number})
    reverting = DriftFinding.objects.filter(model=model_id, state=DriftState.REVERTING, details__begun=True)
    if number := reverting.exclude(pk=finding_id).values_list("pk", flat=True).first():
        message = _("Drift %(number)s of the same model is being reverted; this one follows.")
        raise UpstreamUnavailable(message % {"number": number})


def write_what_is_missing(
    job: Job,
    version: ModelVersion,
    stage: str,
    *,
    archive_existing: bool,
    expected: str = "",
    sending: Callable[[], None] | None = None,
) -> dict[int, RemoteVersion]:
    """Write a stage to MLflow unless it already says so, and return what it says then, by version number.

    `expected`: the stage from which it is moved; where MLflow says another one by now, WrongState is raised instead.
    `sending` is called right before the write, where there is one.
    """
    seen = stages.read_stage(version)
    if seen == stage:
        with suppress(stages.NotMoved):  # in the stage, but a sibling is not archived
            return stages.read_back(version, stage, archive_existing=archive_existing)
    elif expected and seen != expected:
        raise WrongState(str(MOVED_MEANWHILE) % {"what": version})
    jobs.renew(job)  # whoever lost the lease while waiting for MLflow stops here, before the write
    if sending:
        sending()
    stages.write(version, stage, archive_existing=archive_existing)
    jobs.renew(job)
    return stages.read_back(version, stage, archive_existing=archive_existing)
