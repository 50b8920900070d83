"""Where a request stands, worked out from its votes and checks: approved once nothing is unmet, else under review."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.approvals import blockers, counts, evidence, findings, schedule, visibility, waiting
from apps.approvals.drift import covering
from apps.approvals.drift.findings import left_behind
from apps.approvals.exceptional import dropping, resting, unchanged
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, RequestState, Verdict
from apps.approvals.records import about, request_target
from apps.approvals.reviewing import SYSTEM, dismiss_lapsed, refresh_evidence, reopen
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Actor
from apps.jobs.models import ACTIVE_STATES, Job
from apps.jobs.services import enqueue

APPLY_JOB = "approvals.apply"
APPLY_ATTEMPTS = 8
MOVABLE = (*UNDER_REVIEW, RequestState.APPROVED)


def reconsider(request_id: int, *, by: Actor = SYSTEM, leavers: bool = False) -> ApprovalRequest:
    """Put a request where its votes and checks say at this moment. Twice does no harm.

    Called when something that it depends on has changed: a waiver, a report, a condition, the mirror, or (`leavers`)
    who may sign: then approvals of those who may not any more fall for good. Raises ApprovalRequest.DoesNotExist. Not
    for a transaction that holds the model's row: the request is locked before it.
    """
    with transaction.atomic():
        request = visibility.locked(request_id)
        if request.state not in MOVABLE or request.expedited:
            return request
        refresh_evidence(request)
        if request.state == RequestState.APPROVED or leavers:
            dismiss_lapsed(request, objections=request.state == RequestState.APPROVED)
        before = request.state
        advance(request)
        record_advance(request, before, by=by)
    return request


def advance(request: ApprovalRequest) -> None:
    """Move a locked request between review and approved, and commit the job with the approval when it is due."""
    if request.state == RequestState.APPROVED:
        if lost := blockers.lost(request):
            _fall_back(request, lost[0].sentence)
    elif request.reviews.filter(standing=True, verdict=Verdict.REQUEST_CHANGES).exists():
        _stay(request, RequestState.CHANGES_REQUESTED)
    elif blockers.unmet(request):
        _stay(request, RequestState.OPEN)
    else:
        approve(request, timezone.now())
    waiting.note(request)


def still_approved(request: ApprovalRequest) -> bool:
    """Look once more, right before the write, at what a locked request was approved on; send it to review if it fell.

    A bypass or a rollback has no votes to look at; only when what it rests on is gone, or the version is no longer what
    it was decided on, it goes to review like any other.
    """
    if request.expedited:
        return _still_rests(request)
    refresh_evidence(request)
    if request.state not in UNDER_REVIEW:
        dismiss_lapsed(request)
    if request.state not in UNDER_REVIEW:
        if not (lost := blockers.lost(request)):
            return True
        _fall_back(request, lost[0].sentence)
    waiting.note(request)
    return False


def _still_rests(request: ApprovalRequest) -> bool:
    gone = resting.gone(request)
    if not gone and not unchanged.changes_since(request, request.evidence):
        return True
    # Also where votes are left: whoever went past them did not see this.
    _fall_back(request, gone or _("The version is not what it was when this was decided any more."))
    refresh_evidence(request)
    before = request.state
    advance(request)
    record_advance(request, before, by=SYSTEM)
    return False


def expire(request: ApprovalRequest) -> None:
    """Close a locked request whose time is over, and record it."""
    before, undecided = {"state": str(request.state)}, request.state in UNDER_REVIEW
    close(request, RequestState.EXPIRED)
    audit.record(
        Action.REQUEST_EXPIRED,
        by=SYSTEM,
        target=request_target(request),
        reason=_("Nobody decided it in time.") if undecided else _("It was not applied in time."),
        before=before,
        after={"state": str(request.state)},
        **about(request),
    )


def _stay(request: ApprovalRequest, state: RequestState) -> None:
    request.state = state
    request.save(update_fields=["state", "updated_at"])


def _fall_back(request: ApprovalRequest, because: str) -> None:
    """Send an approved request back to review: what it was approved on no longer holds. Its votes stand."""
    before = {"state": str(request.state)}
    reopen(request)
    audit.record(
        Action.REQUEST_REOPENED,
        by=SYSTEM,
        target=request_target(request),
        reason=because,
        before=before,
        after={"state": str(request.state)},
        **about(request),
    )


def approve(request: ApprovalRequest, at: datetime) -> None:
    """Everything is met: start the wait of the policy, and enqueue the apply if there is none. The caller records."""
    keep_findings(request)
    dropping.drop_asked(request, _("The request was approved without it."), by=SYSTEM)
    request.state = RequestState.APPROVED
    schedule.approved(request, at)
    request.save(update_fields=["state", *schedule.TIMES, "updated_at"])
    enqueue_apply(request)


def enqueue_apply(request: ApprovalRequest, *, requested_by: str = "") -> bool:
    """Commit the job with the decision, unless the request has to wait; returns whether there is one now.

    A job of this request that is still active may be about to close itself, and would take the new decision with it:
    then none is added, and the timer rings again (timers.py).
    """
    if schedule.held(request, timezone.now()) or Job.objects.filter(key=key(request), state__in=ACTIVE_STATES).exists():
        return False
    dropping.drop_asked(request, _("The request is applied without it."), by=SYSTEM)
    asked = requested_by or request.requester.get_username()
    enqueue(APPLY_JOB, requested_by=asked, key=key(request), max_attempts=APPLY_ATTEMPTS, request_id=request.pk)
    return True


def record_advance(request: ApprovalRequest, before: str, *, by: Actor) -> None:
    """Record that a request became approved, with on what."""
    if before not in UNDER_REVIEW or request.state != RequestState.APPROVED:
        return
    approvals = request.reviews.filter(standing=True, verdict=Verdict.APPROVE)
    audit.record(
        Action.REQUEST_APPROVED,
        by=by,
        target=request_target(request),
        approved_by=sorted(approvals.values_list("counts_for__username", flat=True)),
        evidence_digest=request.evidence_digest,
        checks={check["name"]: check["outcome"] for check in request.checks},
        compared_with=request.baseline and request.baseline["version"],
        **about(request),
    )


def close(request: ApprovalRequest, state: RequestState) -> None:
    """End a request without applying it. The caller records."""
    if request.state in UNDER_REVIEW:
        keep_findings(request)
    dropping.drop_asked(request, _("The request was closed without it."), by=SYSTEM)
    request.state, request.closed_at = state, timezone.now()
    request.save(update_fields=["state", "closed_at", "updated_at"])
    waiting.note(request)
    counts.note_requests(request.version.model_id)
    covering.release(request)
    left_behind(request)


def keep_findings(request: ApprovalRequest) -> None:
    """Store what a decision is taken on. Where nobody has seen the evidence of now, the last seen stays."""
    if not evidence.changes(request.evidence, evidence.of(request)):
        findings.take(request)
        request.save(update_fields=["checks", "baseline", "headline", "updated_at"])


def key(request: ApprovalRequest) -> str:
    """Return the key by which there is one active apply of a request."""
    return f"{APPLY_JOB}:{request.pk}"
