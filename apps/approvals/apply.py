"""Bring an approved request to MLflow: the job `approvals.apply`.

Five steps, and a worker may be killed at any line of them: (a) read the version from MLflow, (b) commit the intention,
(c) write, unless MLflow already says so, (d) read back, (e) commit the result. The job's lease ends, another worker
starts at (a), finds in (b) how far the first one came, and does only what is missing. The state of the request and
the end of the job are committed together, so neither can be left behind.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.approvals import counts, eligibility, writing
from apps.approvals.drift import covering
from apps.approvals.models import ApprovalRequest, RequestState, Verdict
from apps.approvals.records import about, request_target
from apps.approvals.reviewing import SYSTEM, dismiss_lapsed, refresh_evidence, reopen
from apps.approvals.services import APPLY_JOB
from apps.audit import services as audit
from apps.audit.actions import Action, Outcome
from apps.audit.context import came_through
from apps.errors import NotVisible, UpstreamUnavailable, WrongState
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.registry import services as mirror
from apps.registry import stages
from apps.registry.mlflow import RemoteVersion
from apps.registry.models import DetailsState

IN_HAND = (RequestState.APPROVED, RequestState.APPLYING)


def give_up(job: Job, error: str) -> None:
    """Mark the request as not applied, with the reason; its reviews stand, so that it can be tried again."""
    writing.close_as_failed(job, error, lambda: _fail(_locked(job.args["request_id"]), error))


@handles(APPLY_JOB, gave_up=give_up)
def apply(job: Job) -> None:
    """Apply one approved request.

    Raises UpstreamUnavailable (the job tries again later), or WrongState when MLflow does not hold what was approved.
    """
    with came_through(writing.origin(job)):
        request = ApprovalRequest.objects.select_related("version__model").get(pk=job.args["request_id"])
        if request.state not in IN_HAND:
            return  # withdrawn while it waited, or applied by the worker before this one
        writing.check_enabled(request.version.model)
        jobs.renew(job, done=0, total=3, note=_("Reading the version from MLflow"))
        seen = _read(request)
        if not _start(job, request.pk, seen):
            return
        jobs.renew(job, done=1, note=_("Moving the version in MLflow"))
        observed = writing.write_what_is_missing(
            job, request.version, request.to_stage, archive_existing=request.archive_existing
        )
        jobs.renew(job, done=2, note=_("Recording what MLflow says"))
        _complete(job, request.pk, observed)


def _read(request: ApprovalRequest) -> str:
    """Bring the mirror of the version up to date, and return its stage as MLflow says now."""
    try:
        mirror.refresh_version(request.version_id)
        return stages.read_stage(request.version)
    except NotVisible as error:
        message = _("%(version)s no longer exists in MLflow, so it cannot move. Withdraw the request.")
        raise WrongState(message % {"version": request.version}) from error


def _start(job: Job, request_id: int, seen: str) -> bool:
    """Commit that the write is coming. Returns False when the request is not, or no longer, one to apply.

    What was approved is checked once more at this moment: the stage, the evidence, and the approvers. Nothing of
    that is asked when an earlier attempt has already written: then only the record is missing.
    """
    with transaction.atomic(durable=True):
        jobs.renew(job)
        request = _locked(request_id)
        if request.state not in IN_HAND:
            return False
        written = bool(request.stage_before) and seen == request.to_stage
        if not written:
            _check_stage(request, seen)
            if _reviews_fell(request):
                jobs.finish(job)
                return False
        stages.expect(request.version, request.to_stage, archive_existing=request.archive_existing)
        writing.check_alone(request.version.model_id, request_id=request.pk)
        if request.state == RequestState.APPROVED:
            _mark_applying(request, stage_before=request.stage_before or seen)
    return True


def _check_stage(request: ApprovalRequest, seen: str) -> None:
    if seen != request.from_stage and not (seen == request.to_stage and covering.covers(request)):
        message = _(
            "MLflow has %(version)s in %(seen)s, but this request is to move it from %(from_stage)s to %(to_stage)s: "
            "its stage was changed elsewhere. Withdraw this request and ask again."
        )
        names = {"from_stage": request.from_stage, "to_stage": request.to_stage}
        raise WrongState(message % {"version": request.version, "seen": seen, **names})
    if request.version.details_state != DetailsState.LOADED:
        message = _("The run and MLmodel of %(version)s could not be read again before applying.")
        raise UpstreamUnavailable(message % {"version": request.version})


def _reviews_fell(request: ApprovalRequest) -> bool:
    """Send the request back to review when its evidence changed or an approval no longer counts; say whether it did."""
    if not refresh_evidence(request):
        dismiss_lapsed(request)
    if request.state in IN_HAND:
        if eligibility.enough_approvals(request):
            return False
        reopen(request)
    stages.abandon(request.version)
    request.stage_before = ""
    request.save(update_fields=["stage_before", "updated_at"])
    return True


def _mark_applying(request: ApprovalRequest, *, stage_before: str) -> None:
    request.state, request.stage_before, request.apply_error = RequestState.APPLYING, stage_before, ""
    request.save(update_fields=["state", "stage_before", "apply_error", "updated_at"])
    audit.record(
        Action.REQUEST_APPLY_STARTED,
        by=SYSTEM,
        target=request_target(request),
        **about(request),
        stage_before=stage_before,
        evidence_digest=request.evidence_digest,
    )


def _complete(job: Job, request_id: int, observed: dict[int, RemoteVersion]) -> None:
    """Commit what MLflow says, the end of the request and the end of the job."""
    with transaction.atomic(durable=True):
        jobs.renew(job)
        request = _locked(request_id)
        if request.state != RequestState.APPLYING:
            return
        approved_by = _approvers(request)
        moved = stages.settle(
            request.version, observed, by=SYSTEM, reason=request.reason, request=request.pk, approved_by=approved_by
        )
        request.state, request.closed_at = RequestState.APPLIED, timezone.now()
        request.save(update_fields=["state", "closed_at", "updated_at"])
        counts.note_requests(request.version.model_id)
        covering.conclude(request, moved, by=SYSTEM)
        audit.record(
            Action.REQUEST_APPLIED,
            by=SYSTEM,
            target=request_target(request),
            reason=request.reason,
            before={"stage": request.stage_before},
            after={"stage": request.to_stage},
            **about(request),
            archived=[str(row.number) for row in moved if row.pk != request.version_id],
            requested_by=request.requester.get_username(),
            approved_by=approved_by,
            evidence_digest=request.evidence_digest,
        )
        jobs.finish(job)


def _fail(request: ApprovalRequest, error: str) -> None:
    if request.state not in IN_HAND:
        return
    before = {"state": request.state}
    stages.abandon(request.version)
    request.state, request.apply_error = RequestState.APPLY_FAILED, error
    request.save(update_fields=["state", "apply_error", "updated_at"])
    audit.record(
        Action.REQUEST_APPLY_FAILED,
        by=SYSTEM,
        target=request_target(request),
        outcome=Outcome.FAILED,
        reason=error,
        before=before,
        after={"state": request.state},
        **about(request),
    )


def _approvers(request: ApprovalRequest) -> list[str]:
    approvals = request.reviews.filter(standing=True, verdict=Verdict.APPROVE)
    return list(approvals.order_by("id").values_list("reviewer__username", flat=True))


def _locked(request_id: int) -> ApprovalRequest:
    """Return the request, itself and its model locked, with its version as it is in the database now."""
    requests = ApprovalRequest.objects.select_for_update(of=("self",)).select_related("version")
    stages.lock_model(requests.get(pk=request_id).version.model_id)
    return requests.select_related("version__model", "policy", "requester").get(pk=request_id)
