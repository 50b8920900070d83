"""Put MLflow back to what was decided: the job `approvals.revert`, in the steps of an apply (see ../writing.py).

The finding's details say how far it has come: `begun` while a worker is at it, `wrote` once a write may have reached
MLflow. So a worker that follows a killed one can tell its own write from MLflow's going back by itself.
"""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.approvals import writing
from apps.approvals.drift.records import MLFLOW, SYSTEM, about, drift_target
from apps.approvals.drift.settling import REVERT_JOB, locked_finding, put_back, settle
from apps.approvals.drift.undoing import UNDOINGS
from apps.approvals.models import DriftFinding, DriftState
from apps.audit import services as audit
from apps.audit.actions import Action, Outcome, Source
from apps.audit.context import came_through
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job


def give_up(job: Job, error: str) -> None:
    """Let the finding wait for people again, with the reason."""
    writing.close_as_failed(job, error, lambda: _fail(job.args["finding_id"], error))


@handles(REVERT_JOB, gave_up=give_up)
def revert(job: Job) -> None:
    """Revert one finding.

    Raises UpstreamUnavailable (the job tries again later), or WrongState when there is nothing to move any more.
    """
    with came_through(writing.origin(job)):
        finding = DriftFinding.objects.select_related("model", "version__model").get(pk=job.args["finding_id"])
        if finding.state != DriftState.REVERTING:
            return  # settled while it waited, or by the worker before this one
        writing.check_enabled(finding.model)
        way = UNDOINGS[finding.kind]
        jobs.renew(job, done=0, total=3, note=_("Reading MLflow"))
        seen = way.read(finding)
        if not _start(job, finding.pk, needed=seen != finding.expected):
            return
        jobs.renew(job, done=1, note=_("Putting it back in MLflow"))
        observed = way.write(job, finding) if seen != finding.expected else way.confirm(finding)
        jobs.renew(job, done=2, note=_("Recording what MLflow says"))
        _complete(job, finding.pk, observed)


def _start(job: Job, finding_id: int, *, needed: bool) -> bool:
    """Commit that the write is coming, if one is needed. Returns False when the finding no longer is one to revert."""
    with transaction.atomic(durable=True):
        jobs.renew(job)
        finding = locked_finding(finding_id)
        if finding.state != DriftState.REVERTING:
            return False
        writing.check_alone(finding.model_id, finding_id=finding.pk)
        UNDOINGS[finding.kind].announce(finding)
        finding.details |= {"begun": True, **({"wrote": True} if needed else {})}
        finding.save(update_fields=["details"])
    return True


def _complete(job: Job, finding_id: int, observed: Any) -> None:
    """Commit what MLflow says, the end of the finding and the end of the job."""
    with transaction.atomic(durable=True):
        jobs.renew(job)
        finding = locked_finding(finding_id)
        if finding.state != DriftState.REVERTING:
            return
        way = UNDOINGS[finding.kind]
        if finding.details.get("wrote"):
            way.settle(finding, observed, by=SYSTEM, reason=_reason(finding), **_cause(finding))
            state, action, by, source = DriftState.REVERTED, Action.DRIFT_REVERTED, SYSTEM, Source.WORKER
        else:  # MLflow went back by itself before anything was written
            way.settle(finding, observed, by=MLFLOW, source=Source.MLFLOW)
            state, action, by, source = DriftState.RESOLVED, Action.DRIFT_RESOLVED, MLFLOW, Source.MLFLOW
        settle(finding, state, action, by=by, source=source, requested_by=job.requested_by)
        jobs.finish(job)


def _fail(finding_id: int, error: str) -> None:
    finding = locked_finding(finding_id)
    if finding.state != DriftState.REVERTING:
        return
    way = UNDOINGS[finding.kind]
    if finding.details.get("begun"):
        way.abandon(finding)
    if way.mirrored(finding) == finding.expected:  # a sync has seen the write whose answer was lost
        settle(finding, DriftState.REVERTED, Action.DRIFT_REVERTED, by=SYSTEM)
        return
    put_back(finding, error=error)
    audit.record(
        Action.DRIFT_REVERT_FAILED,
        by=SYSTEM,
        target=drift_target(finding),
        outcome=Outcome.FAILED,
        reason=error,
        before={"state": DriftState.REVERTING.value},
        after={"state": finding.state},
        **about(finding),
    )


def _reason(finding: DriftFinding) -> str:
    return _("Drift %(number)s was reverted.") % {"number": finding.pk}


def _cause(finding: DriftFinding) -> dict[str, Any]:
    """Return what the event of a move back names: the finding, and the decision that holds again."""
    return {"drift": finding.pk, **({"request": finding.decision_id} if finding.decision_id else {})}
