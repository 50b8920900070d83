"""Bring an approved request to MLflow: the job `approvals.apply`.

Five steps, and a worker may be killed at any line of them: (a) read the version from MLflow, (b) commit the intention,
(c) write, unless MLflow already says so, (d) read back, (e) commit the result. That a write is sent is committed right
before it is. The job's lease ends, another worker starts at (a), finds noted how far the first one came, and does only
what is missing. The state of the request and the end of the job are committed together, so neither can be left behind.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.approvals import advancing, aiming, counts, moving, schedule, visibility, writing
from apps.approvals.advancing import APPLY_JOB
from apps.approvals.drift import covering
from apps.approvals.drift.findings import left_behind
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, RequestState, Verdict
from apps.approvals.moving import Moved, Seen
from apps.approvals.records import about, request_target
from apps.approvals.refreshing import look_at_models
from apps.approvals.reviewing import SYSTEM
from apps.audit import services as audit
from apps.audit.actions import Action, Outcome
from apps.audit.context import came_through
from apps.errors import NotVisible, UpstreamUnavailable, WrongState
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.registry import services as mirror
from apps.registry import stages
from apps.registry.models import DetailsState

NOTED = ("stage_before", "alias_before", "stage_write", "alias_write")  # by moving.py
IN_HAND = (RequestState.APPROVED, RequestState.APPLYING)


def give_up(job: Job, error: str) -> None:
    """Mark the request as not applied, with the reason; its reviews stand, so that it can be tried again."""
    writing.close_as_failed(job, error, lambda: _fail(visibility.locked(job.args["request_id"]), error))


@handles(APPLY_JOB, gave_up=give_up)
def apply(job: Job) -> None:
    """Apply one approved request.

    Raises UpstreamUnavailable (the job tries again later), or WrongState when MLflow does not hold what was approved.
    """
    with came_through(writing.origin(job)):
        request = ApprovalRequest.objects.select_related("version__model", "policy").get(pk=job.args["request_id"])
        if request.state not in IN_HAND:
            return  # withdrawn while it waited, or applied by the worker before this one
        writing.check_enabled(request.version.model)
        jobs.renew(job, done=0, total=3, note=_("Reading the version from MLflow"))
        seen = _read(request)
        _take_stock(job, request, seen)
        if not _start(job, request.pk, seen):
            return
        request.refresh_from_db(fields=NOTED)
        jobs.renew(job, done=1, note=_("Moving the version in MLflow"))
        moved = moving.write(job, request)
        jobs.renew(job, done=2, note=_("Recording what MLflow says"))
        _complete(job, request.pk, moved)


def _read(request: ApprovalRequest) -> Seen:
    """Bring the mirror of the version up to date, and return what MLflow says now about what is to move."""
    try:
        mirror.refresh_version(request.version_id)
        return moving.read(request)
    except NotVisible as error:
        message = _("%(version)s no longer exists in MLflow, so it cannot move. Withdraw the request.")
        raise WrongState(message % {"version": request.version}) from error


def _take_stock(job: Job, request: ApprovalRequest, seen: Seen) -> None:
    """Commit what MLflow shows of a write that an attempt before has sent: it outlives an error of this one."""
    if not (request.stage_write or request.alias_write):
        return
    with transaction.atomic(durable=True):
        jobs.renew(job)
        request = visibility.locked(request.pk)
        if request.state in IN_HAND:
            moving.take_stock(request, seen)
            request.save(update_fields=NOTED)


def _start(job: Job, request_id: int, seen: Seen) -> bool:
    """Commit that the write is coming. Returns False when the request is not, or no longer, one to apply now.

    What was approved is checked once more at this moment: the place in MLflow, the evidence, the approvers, the checks,
    the wait, freezes and the time of the approval. Nothing of that is asked when the worker before was killed after
    its write: then only the rest is missing. After an attempt that ended with an error it stays unknown whose the move
    is that MLflow shows, and somebody who tries again decides anew: both get all of it asked again.
    """
    with transaction.atomic(durable=True):
        jobs.renew(job)
        request = visibility.locked(request_id)
        if request.state not in IN_HAND:
            return False
        takes_over = moving.begun(request, seen) and not job.error
        if not takes_over and not _still_due(request, seen):
            jobs.finish(job)
            return False
        if request.to_stage:
            stages.expect(request.version, request.to_stage, archive_existing=request.archive_existing)
        writing.check_alone(request.version.model_id, request_id=request.pk)
        if request.state == RequestState.APPROVED:
            _mark_applying(request, seen)
    return True


def _still_due(request: ApprovalRequest, seen: Seen) -> bool:
    """Return whether the request is to be written now. What holds it back, ends it or sends it to review is committed.

    Raises WrongState when MLflow is not where the request starts.
    """
    now = timezone.now()
    if schedule.expired(request, now):
        advancing.expire(request)
        return False
    if schedule.held(request, now):  # the timer rings again (timers.py)
        _put_back(request, RequestState.APPROVED)
        return False
    moving.check_place(request, seen, covered=covering.covers(request))
    if request.version.details_state != DetailsState.LOADED:
        message = _("The run and MLmodel of %(version)s could not be read again before applying.")
        raise UpstreamUnavailable(message % {"version": request.version})
    if advancing.still_approved(request):
        return True
    _put_back(request, RequestState(request.state))
    return False


def _put_back(request: ApprovalRequest, state: RequestState) -> None:
    """Take back the announcement of a write that was not made. What MLflow holds of a review that fell is drift."""
    stages.abandon(request.version)
    request.state = state
    if state in UNDER_REVIEW:
        left_behind(request)
        request.stage_write = request.alias_write = ""
    moving.forget_unsent(request)
    request.save(update_fields=["state", *NOTED, "updated_at"])


def _mark_applying(request: ApprovalRequest, seen: Seen) -> None:
    moving.note_before(request, seen)
    request.state, request.apply_error = RequestState.APPLYING, ""
    request.save(update_fields=["state", "stage_before", "alias_before", "apply_error", "updated_at"])
    audit.record(
        Action.REQUEST_APPLY_STARTED,
        by=SYSTEM,
        target=request_target(request),
        **about(request),
        stage_before=request.stage_before,
        alias_before=request.alias_before,
        evidence_digest=request.evidence_digest,
    )


def _complete(job: Job, request_id: int, moved: Moved) -> None:
    """Commit what MLflow says, the end of the request and the end of the job."""
    with transaction.atomic(durable=True):
        jobs.renew(job)
        request = visibility.locked(request_id)
        if request.state != RequestState.APPLYING:
            return
        approved_by = _approvers(request)
        cause = {"request": request.pk, "approved_by": approved_by}
        rows = moving.settle(request, moved, by=SYSTEM, reason=request.reason, **cause)
        request.state, request.closed_at = RequestState.APPLIED, timezone.now()
        schedule.applied(request, request.closed_at)
        request.save(update_fields=["state", "closed_at", "recertify_by", "updated_at"])
        counts.note_requests(request.version.model_id)
        covering.conclude(request, rows, alias=aiming.alias_of(request), by=SYSTEM)
        before, after = moving.before_and_after(request)
        audit.record(
            Action.REQUEST_APPLIED,
            by=SYSTEM,
            target=request_target(request),
            reason=request.reason,
            before=before,
            after=after,
            **about(request),
            archived=[str(row.number) for row in rows if row.pk != request.version_id],
            requested_by=request.requester.get_username(),
            approved_by=approved_by,
            evidence_digest=request.evidence_digest,
        )
        look_at_models([request.version.model_id], requested_by=SYSTEM.name)  # others are compared with it
        jobs.finish(job)


def _fail(request: ApprovalRequest, error: str) -> None:
    if request.state not in IN_HAND:
        return
    before = {"state": request.state}
    stages.abandon(request.version)
    moving.forget_unsent(request)
    request.state, request.apply_error = RequestState.APPLY_FAILED, error
    request.save(update_fields=["state", "apply_error", *NOTED, "updated_at"])
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
