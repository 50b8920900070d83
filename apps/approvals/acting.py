"""Do one thing to a request: review, withdraw, retry, and what else the table of transitions lists."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.assurance import is_more
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import aiming, conditions, policies, schedule, submitting, visibility, waiting
from apps.approvals.advancing import advance, close, enqueue_apply, record_advance
from apps.approvals.delegating.voices import speaks_for, voice_of
from apps.approvals.exceptional import dropping
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, RequestState, Verdict
from apps.approvals.records import about, request_target, signature
from apps.approvals.reviewing import (
    EvidenceChanged,
    check_evidence,
    dismiss,
    dismiss_for_changes,
    dismiss_lapsed,
    dismiss_weaker,
    give_review,
    refresh_evidence,
    reopen,
    seen_digest,
)
from apps.approvals.signing import Signing, asked_to_bypass
from apps.approvals.transitions import RequestAction, Transition, refusal, transition_of
from apps.audit import services as audit
from apps.audit.services import Attempt, Target
from apps.errors import Conflict, DomainError, InvalidInput
from apps.registry import queries as registry
from apps.registry import services as mirror
from apps.registry.models import ModelVersion
from apps.registry.transport import within
from apps.texts import text_from

logger = logging.getLogger(__name__)
READ_AGAIN_SECONDS = 3.0
MAX_USERNAME = 150  # characters


@dataclass(frozen=True)
class Deed:
    """An allowed action under way, with its request and model locked."""

    row: Transition
    request: ApprovalRequest
    trial: Attempt
    by: User
    voice: User  # for whom a review counts: `by`, or the one that a delegate speaks for
    comment: str
    evidence_digest: str | None
    signing: Signing


def act(
    request_id: int,
    action: RequestAction | str,
    *,
    by: User,
    comment: str = "",
    evidence_digest: str | None = None,
    signing: Signing | None = None,
) -> ApprovalRequest:
    """Do one thing to a request. A review names the digest of the evidence that the reviewer read.

    Raises NotVisible, NotAllowed, WrongState, RuleViolation, InvalidInput, UpstreamUnavailable, and Conflict: said
    already, or the evidence is not what the reviewer read. When it changed in MLflow, the standing reviews are
    dismissed for good although this one is refused.
    """
    row = transition_of(action)
    if row.action is RequestAction.SUBMIT:
        return submitting.submit(request_id, by=by)
    signing = (signing or Signing()).confirmed(by) if row.verdict else Signing()  # slow on purpose: before any lock
    if row.verdict == Verdict.APPROVE:
        _read_again(request_id, by)
    target = Target("request", f"request {request_id}")
    try:
        with audit.attempt(row.records, by=grants.actor(by), target=target) as trial:
            trial.data = {"asked": row.action.value}
            request = visibility.locked_request(request_id, by)
            trial.by = grants.actor(by, request.version.model)
            if request.state != RequestState.DRAFT:  # nobody else is to learn of a draft from the model's events
                trial.target = request_target(request)
            trial.data |= about(request)
            if signing.on_behalf_of:  # as it was asked: a refusal too says for whom
                trial.data["on_behalf_of"] = signing.on_behalf_of[:MAX_USERNAME]
            voice = voice_of(by, request, signing.on_behalf_of)
            if error := refusal(row, request, by, voice=voice):
                raise error
            comment = text_from(comment, field="comment", needed=row.comment_needed)
            _carry_out(Deed(row, request, trial, by, voice, comment, evidence_digest, signing))
    except EvidenceChanged:
        dismiss_for_changes(request_id)
        raise
    return request


def _carry_out(deed: Deed) -> None:
    """Write what an allowed action does, and its event."""
    request, before = deed.request, {"state": str(deed.request.state)}
    if deed.row.action not in EFFECTS:
        message = _("“%(action)s” needs more than a word. Use its own form, or its own address of the API.")
        raise InvalidInput(message % {"action": deed.row.label}, field="action")
    EFFECTS[deed.row.action](deed)
    after = {"state": str(request.state)}
    deed.trial.done(reason=deed.comment, before=before, after=after, evidence_digest=request.evidence_digest)
    record_advance(request, before["state"], by=deed.trial.by)


def _review(deed: Deed) -> None:
    """Give a word on the evidence as it is now, in place of an earlier one; the request goes where that puts it."""
    request, verdict = deed.request, deed.row.verdict
    if verdict is None:
        raise LookupError(f"{deed.row.action} is no review")
    digest = seen_digest(request, deed.evidence_digest)
    check_evidence(request, verdict=verdict)
    dismiss_lapsed(request)
    review = give_review(
        request,
        verdict,
        by=deed.by,
        voice=deed.voice,
        role=deed.trial.by.role,
        comment=deed.comment,
        digest=digest,
        signing=deed.signing,
    )
    conditions.attach(review, deed.signing.conditions)
    deed.trial.data |= signature(review)
    close(request, RequestState.REJECTED) if verdict == Verdict.REJECT else advance(request)


def _withdraw(deed: Deed) -> None:
    close(deed.request, RequestState.WITHDRAWN)


def _supersede(deed: Deed) -> None:
    close(deed.request, RequestState.SUPERSEDED)
    deed.trial.data["superseded_by"] = deed.request.superseded_by_id


def _discard(deed: Deed) -> None:
    """Remove a draft. Nothing points to it: what nobody else ever saw leaves only its event behind."""
    deed.request.state = RequestState.WITHDRAWN
    ApprovalRequest.objects.filter(pk=deed.request.pk).delete()


def _retry(deed: Deed) -> None:
    """Apply again. Refused while the attempt before is about to close itself: it would take the new one with it."""
    request = deed.request
    request.state, request.apply_error = RequestState.APPROVED, ""
    request.save(update_fields=["state", "apply_error", "updated_at"])
    if not enqueue_apply(request) and not schedule.held(request, timezone.now()):
        raise Conflict(_("The attempt before this one is just ending. Try again in a few seconds."))


def _dismiss_objection(deed: Deed) -> None:
    """Take the objections out of the way, with a reason, and move on to where the other votes put the request."""
    objections = deed.request.reviews.filter(standing=True, verdict=Verdict.REQUEST_CHANGES)
    because = _("Dismissed by %(person)s: %(reason)s") % {"person": deed.by, "reason": deed.comment}
    deed.trial.data["dismissed"] = dismiss(objections, because)
    refresh_evidence(deed.request)
    advance(deed.request)


def _repin(deed: Deed) -> None:
    """Let the request follow the policy of now, and look at its votes anew under that one's rules."""
    request, former, alias = deed.request, deed.request.policy, aiming.alias_of(deed.request)
    asked_before = asked_to_bypass(request)
    request.policy = policies.present_for(request)
    if aiming.alias_of(request) != alias:  # another one moves with the stage now
        aiming.pin_alias(request)
        request.alias_write = ""
    deed.trial.data["policies"] = {
        "before": policies.terms(former) if former else None,
        "after": policies.terms(request.policy),
    }
    was_approved = request.state == RequestState.APPROVED
    if request.state in UNDER_REVIEW:
        schedule.under_review_again(request, timezone.now())
    request.save(update_fields=["policy", "from_number", "alias_write", *schedule.TIMES, "updated_at"])
    if weaker := dismiss_weaker(request):  # first: what rests on the evidence is counted without them
        deed.trial.data["dismissed"] = weaker
    refresh_evidence(request)
    if is_more(asked_to_bypass(request), asked_before):
        _end_weaker_bypass(deed)
    dismiss_lapsed(request, objections=False)  # a lapsed objection waits for another reviewer, not for another policy
    advance(request)
    if was_approved and request.state == RequestState.APPROVED:  # its wait and its time are those of the new policy
        schedule.approved(request, timezone.now())
        request.save(update_fields=schedule.TIMES)
        enqueue_apply(request)
    waiting.note(request)


def _end_weaker_bypass(deed: Deed) -> None:
    """Let no bypass stand that was signed with less than the request's policy asks for now."""
    dropping.drop_asked(deed.request, _("The present policy asks more of whoever goes past it."), by=deed.trial.by)
    if deed.request.bypassed:
        reopen(deed.request)


EFFECTS: dict[RequestAction, Callable[[Deed], None]] = {
    RequestAction.APPROVE: _review,
    RequestAction.REQUEST_CHANGES: _review,
    RequestAction.REJECT: _review,
    RequestAction.WITHDRAW: _withdraw,
    RequestAction.RETRY: _retry,
    RequestAction.DISCARD: _discard,
    RequestAction.DISMISS_OBJECTION: _dismiss_objection,
    RequestAction.SUPERSEDE: _supersede,
    RequestAction.REPIN: _repin,
}


def _read_again(request_id: int, by: User) -> None:
    """Bring the mirror up to date before an approval, if MLflow answers soon; without it the apply finds out."""
    reviewed = Q(requests__pk=request_id, requests__state__in=UNDER_REVIEW)
    versions = ModelVersion.objects.filter(reviewed, model__in=registry.visible_models(by)).select_related("model")
    version = versions.only("pk", "model").first()
    if version is None:
        return
    if not grants.allows(by, Permission.MODEL_REVIEW, version.model) and not speaks_for(by, version.model):
        return
    try:
        with within(READ_AGAIN_SECONDS):
            mirror.refresh_version(version.pk)
    except DomainError as error:
        logger.warning("version %s could not be read again before an approval: %s", version.pk, error.message)
