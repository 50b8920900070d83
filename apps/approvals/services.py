"""Ask, review, withdraw, retry: the functions that decide. Each is one transaction with its audit event.

Applying an approved request is in apply.py.
"""

import logging

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import counts, evidence, findings, policies, schedule, waiting
from apps.approvals.advancing import APPLY_JOB, advance, close, enqueue_apply, reconsider, record_advance
from apps.approvals.drift import covering
from apps.approvals.models import UNDER_REVIEW, UNFINISHED, ApprovalRequest, RequestState, Verdict
from apps.approvals.records import about, request_target
from apps.approvals.reviewing import (
    EvidenceChanged,
    check_evidence,
    dismiss_for_changes,
    dismiss_lapsed,
    give_review,
    seen_digest,
)
from apps.approvals.texts import stage_from, text_from
from apps.approvals.transitions import RequestAction, Transition, refusal, transition_of
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Attempt, Target
from apps.errors import Conflict, DomainError, NotAllowed, NotVisible, RuleViolation, UpstreamUnavailable, WrongState
from apps.registry import queries as registry
from apps.registry import services as mirror
from apps.registry import stages
from apps.registry.models import DetailsState, ModelVersion, Stage
from apps.registry.transport import within

__all__ = ["APPLY_JOB", "act", "locked_request", "open_request", "reconsider"]
logger = logging.getLogger(__name__)
READ_AGAIN_SECONDS = 3.0
NOTHING_TO_ARCHIVE = (Stage.NONE, Stage.ARCHIVED)  # MLflow archives siblings in Staging and Production alone


def open_request(
    version_id: int,
    to_stage: str,
    *,
    reason: str,
    archive_existing: bool | None = None,
    drift: int | None = None,
    by: User,
) -> ApprovalRequest:
    """Ask to move a version to a stage, on the evidence as it is now.

    A version whose run and MLmodel have not been read yet is read from MLflow first: nobody signs unread evidence.
    `archive_existing` None takes what the policy proposes. `drift` names a finding that says that MLflow has it in that
    stage already: then the request is to make that a decision, and moves nothing.

    Raises NotVisible, NotAllowed, WrongState, InvalidInput, RuleViolation (no policy), Conflict (an unfinished request
    for the same stage) and UpstreamUnavailable (unread evidence, and MLflow does not answer).
    """
    _read_details(version_id, by)
    target = Target("version", f"version {version_id}")
    with audit.attempt(Action.REQUEST_OPENED, by=grants.actor(by), target=target) as trial:
        version = _visible_version(version_id, by)
        trial.by = grants.actor(by, version.model)
        trial.target = Target("version", str(version), version.model_id)
        trial.data = {"version": str(version), "to_stage": str(to_stage)}
        if not grants.allows(by, Permission.MODEL_WRITE, version.model):
            raise NotAllowed(_("Asking for a promotion needs the data scientist's role on this model."))
        reason = text_from(reason, field="reason")
        stages.lock_model(version.model_id)
        covered = covering.to_cover(drift, version, stage_from(to_stage)) if drift is not None else None
        _check_move(version, stage_from(to_stage), covered=covered is not None)
        policy = policies.policy_for(version, to_stage)
        request = ApprovalRequest(
            version=version,
            from_stage=covered.expected if covered else version.stage,
            to_stage=to_stage,
            archive_existing=_archives(to_stage, archive_existing, policy.archive_existing and not covered),
            requester=by,
            reason=reason,
            policy=policy,
            submitted_at=timezone.now(),
        )
        evidence.take(request)
        findings.take(request)
        _save_only_one(request)
        evidence.keep(request)
        waiting.note(request)
        counts.note_requests(version.model_id)
        if covered:
            covering.cover(covered, request, by=trial.by)
        trial.target = request_target(request)
        trial.done(
            reason=reason,
            after={"state": request.state},
            from_stage=request.from_stage,
            archive_existing=request.archive_existing,
            evidence_digest=request.evidence_digest,
            policy=policies.terms(policy),
            **({"drift": drift} if covered else {}),
        )
    return request


def act(
    request_id: int,
    action: RequestAction | str,
    *,
    by: User,
    comment: str = "",
    evidence_digest: str | None = None,
) -> ApprovalRequest:
    """Do one thing to a request. A review names the digest of the evidence that the reviewer read.

    Raises NotVisible, NotAllowed, WrongState, RuleViolation, InvalidInput, UpstreamUnavailable, and Conflict: said
    already, or the evidence is not what the reviewer read. When it changed in MLflow, the standing reviews are
    dismissed for good although this one is refused.
    """
    row = transition_of(action)
    if row.verdict == Verdict.APPROVE:
        _read_again(request_id, by)
    target = Target("request", f"request {request_id}")
    try:
        with audit.attempt(row.records, by=grants.actor(by), target=target) as trial:
            trial.data = {"asked": row.action.value}
            request = locked_request(request_id, by)
            trial.by = grants.actor(by, request.version.model)
            trial.target = request_target(request)
            trial.data |= about(request)
            if error := refusal(row, request, by):
                raise error
            comment = text_from(comment, field="comment", needed=row.comment_needed)
            _carry_out(row, request, trial, by=by, comment=comment, evidence_digest=evidence_digest)
    except EvidenceChanged:
        dismiss_for_changes(request_id)
        raise
    return request


def locked_request(request_id: int, by: User) -> ApprovalRequest:
    """Return the request, itself and its model locked until the end of the transaction. Raises NotVisible."""
    visible = ApprovalRequest.objects.filter(version__model__in=registry.visible_models(by))
    request = (
        visible.select_for_update(of=("self",))
        .select_related("version__model", "policy", "requester")
        .filter(pk=request_id)
        .first()
    )
    if request is None:
        raise NotVisible(_("There is no request %(number)s, or you may not see it.") % {"number": request_id})
    stages.lock_model(request.version.model_id)
    return request


def _carry_out(
    row: Transition, request: ApprovalRequest, trial: Attempt, *, by: User, comment: str, evidence_digest: str | None
) -> None:
    """Write what an allowed action does, and its event."""
    before = {"state": request.state}
    if row.verdict:
        digest = seen_digest(request, evidence_digest)
        check_evidence(request, verdict=row.verdict)
        dismiss_lapsed(request)
        review = give_review(request, row.verdict, by=by, role=trial.by.role, comment=comment, digest=digest)
        close(request, RequestState.REJECTED) if review.verdict == Verdict.REJECT else advance(request)
    elif row.action is RequestAction.WITHDRAW:
        close(request, RequestState.WITHDRAWN)
    elif row.action is RequestAction.RETRY:
        _start_again(request)
    else:
        raise LookupError(f"nothing carries out {row.action}")
    trial.done(reason=comment, before=before, after={"state": request.state}, evidence_digest=request.evidence_digest)
    if row.verdict:
        record_advance(request, before["state"], by=trial.by)


def _start_again(request: ApprovalRequest) -> None:
    """Refused while the job of the attempt before is about to close itself: it would take the new decision with it."""
    request.state, request.apply_error = RequestState.APPROVED, ""
    request.save(update_fields=["state", "apply_error", "updated_at"])
    if not enqueue_apply(request) and not schedule.held(request, timezone.now()):
        raise Conflict(_("The attempt before this one is just ending. Try again in a few seconds."))


def _read_details(version_id: int, by: User) -> None:
    """Read the run and MLmodel of a version that were not read yet. What goes wrong is said by `_check_move`."""
    unread = ModelVersion.objects.filter(
        pk=version_id, model__in=registry.visible_models(by), deleted_at=None, model__deleted_at=None
    ).exclude(details_state=DetailsState.LOADED)
    if not unread.exists():
        return
    try:
        mirror.refresh_version(version_id)
    except DomainError as error:
        logger.warning("version %s could not be read for a request: %s", version_id, error.message)


def _read_again(request_id: int, by: User) -> None:
    """Bring the mirror up to date before an approval, if MLflow answers soon; without it the apply finds out."""
    reviewed = Q(requests__pk=request_id, requests__state__in=UNDER_REVIEW)
    versions = ModelVersion.objects.filter(reviewed, model__in=registry.visible_models(by)).select_related("model")
    version = versions.only("pk", "model").first()
    if version is None or not grants.allows(by, Permission.MODEL_REVIEW, version.model):
        return
    try:
        with within(READ_AGAIN_SECONDS):
            mirror.refresh_version(version.pk)
    except DomainError as error:
        logger.warning("version %s could not be read again before an approval: %s", version.pk, error.message)


def _visible_version(version_id: int, by: User) -> ModelVersion:
    versions = ModelVersion.objects.filter(model__in=registry.visible_models(by)).select_related("model")
    version = versions.filter(pk=version_id).first()
    if version is None:
        raise NotVisible(_("There is no such version, or you may not see it."))
    return version


def _check_move(version: ModelVersion, to_stage: str, *, covered: bool) -> None:
    """Raise unless the version exists, is read, and is somewhere else; or there without a decision (`covered`)."""
    if version.deleted_at or version.model.deleted_at:
        raise WrongState(_("%(version)s was deleted in MLflow. Choose another version.") % {"version": version})
    if version.details_state != DetailsState.LOADED:
        message = _(
            "The run and the MLmodel file of %(version)s could not be read from MLflow, and nobody can sign what was "
            "not read. Try again when MLflow answers."
        )
        raise UpstreamUnavailable(message % {"version": version})
    if version.stage == to_stage and not covered:
        message = _("%(version)s is already in %(stage)s.")
        raise RuleViolation(message % {"version": version, "stage": to_stage}, field="to_stage")


def _archives(to_stage: str, wished: bool | None, proposed: bool) -> bool:
    if to_stage in NOTHING_TO_ARCHIVE:
        return False
    return proposed if wished is None else wished


def _save_only_one(request: ApprovalRequest) -> None:
    """Save the request, or raise Conflict naming the unfinished one. The database decides, even in a race."""
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError as error:
        rivals = ApprovalRequest.objects.filter(
            version=request.version, to_stage=request.to_stage, state__in=UNFINISHED
        )
        number = rivals.values_list("pk", flat=True).first()
        message = _(
            "Request %(number)s already asks to move %(version)s to %(stage)s. Follow that one, or withdraw it."
        )
        raise Conflict(message % {"number": number, "version": request.version, "stage": request.to_stage}) from error
