"""Ask for a move: a draft that only its writer sees, or a request that goes to review at once."""

import logging
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.guards import lock_people
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import (
    aiming,
    counts,
    eligibility,
    evidence,
    findings,
    policies,
    schedule,
    superseding,
    visibility,
    waiting,
)
from apps.approvals.drift import covering
from apps.approvals.models import (
    CLOSED,
    UNFINISHED,
    ApprovalPolicy,
    ApprovalRequest,
    DriftFinding,
    RequestKind,
    RequestState,
)
from apps.approvals.policies import solving
from apps.approvals.records import about, request_target
from apps.approvals.texts import ticket_from
from apps.approvals.transitions import RequestAction, refusal, transition_of
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Attempt, Target
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, RuleViolation
from apps.registry import queries as registry
from apps.registry import services as mirror
from apps.registry import stages
from apps.registry.models import DetailsState, ModelVersion
from apps.texts import text_from

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wording:
    """What somebody writes with a request. `ticket`: an https address, or a ticket's name."""

    reason: str
    roll_out: str = ""
    roll_back: str = ""
    ticket: str = ""


def open_request(
    version_id: int,
    to_stage: str = "",
    *,
    alias: str = "",
    reason: str,
    roll_out: str = "",
    roll_back: str = "",
    ticket: str = "",
    archive_existing: bool | None = None,
    draft: bool = False,
    follows: int | None = None,
    drift: int | None = None,
    kind: RequestKind | None = None,
    by: User,
) -> ApprovalRequest:
    """Ask to move a version to a stage, or a protected alias to a version, on the evidence as it is now.

    A version whose run and MLmodel have not been read yet is read from MLflow first: nobody signs unread evidence.
    `archive_existing` None takes what the policy proposes. `draft`: kept for `by` alone until it is submitted.
    `follows` names a closed request that is asked again. `drift` names a finding that says that MLflow has it there
    already: then the request is to make that a decision, and moves nothing. `kind` None goes by the target.

    Raises NotVisible, NotAllowed, WrongState, InvalidInput, RuleViolation (no policy, or nobody could meet it),
    Conflict (an unfinished request for the same target) and UpstreamUnavailable (unread evidence, and MLflow silent).
    """
    if not draft:
        _read_details(version_id, by)
    records = Action.REQUEST_DRAFTED if draft else Action.REQUEST_OPENED
    with audit.attempt(records, by=grants.actor(by), target=Target("version", f"version {version_id}")) as trial:
        version = _asked_version(version_id, trial, by, to_stage=to_stage, alias=alias)
        request = ApprovalRequest(version=version, requester=by, state=RequestState.DRAFT)
        _write(request, Wording(reason, roll_out, roll_back, ticket), draft=draft)
        request.follows = _followed(follows, request, by) if follows else None
        if not draft:
            lock_people(by.pk)  # whoever asks does not change who signs, see signers.py
        rivals = [] if draft else visibility.locked_rivals(version.model_id, to_stage=to_stage, alias=alias)
        covered = _locked_with_finding(request, drift, to_stage, alias)
        aiming.aim(request, to_stage=to_stage, alias=alias, found_from=covered.expected if covered else None)
        request.kind = kind or request.kind
        if draft:
            _keep_draft(request, trial, archive_existing)
        else:
            _submit(request, trial, rivals, archive_existing=archive_existing, covered=covered)
    return request


def submit(request_id: int, *, by: User) -> ApprovalRequest:
    """Send a draft to review, on the evidence and under the policy of now. Raises as `open_request`."""
    row = transition_of(RequestAction.SUBMIT)
    seen = visibility.requests_seen_by(by).select_related("version").filter(pk=request_id).first()
    if seen:
        _read_details(seen.version_id, by)
    with audit.attempt(row.records, by=grants.actor(by), target=Target("request", f"request {request_id}")) as trial:
        lock_people(by.pk)  # as in open_request
        rivals = (
            visibility.locked_rivals(seen.version.model_id, to_stage=seen.to_stage, alias=seen.alias) if seen else []
        )
        request = visibility.locked_request(request_id, by)
        trial.by, trial.target = grants.actor(by, request.version.model), request_target(request)
        trial.data |= about(request)
        if error := refusal(row, request, by):
            raise error
        _write(request, Wording(request.reason, request.roll_out, request.roll_back, request.ticket), draft=False)
        kind = request.kind
        aiming.aim(request, to_stage=request.to_stage, alias=request.alias)
        request.kind = kind
        _submit(request, trial, rivals, archive_existing=request.archive_existing, covered=None)
    return request


def edit_draft(request_id: int, *, by: User, **changes: Any) -> ApprovalRequest:
    """Change a draft: `to_stage` or `alias`, `reason`, `roll_out`, `roll_back`, `ticket`, `archive_existing`.

    What is not named stays. Raises NotVisible, NotAllowed, WrongState, InvalidInput and RuleViolation.
    """
    row = transition_of(RequestAction.EDIT)
    with audit.attempt(row.records, by=grants.actor(by), target=Target("request", f"request {request_id}")) as trial:
        request = visibility.locked_request(request_id, by)
        trial.by, trial.target = grants.actor(by, request.version.model), request_target(request)
        if error := refusal(row, request, by):
            raise error
        words = {name: changes.pop(name, getattr(request, name)) for name in Wording.__dataclass_fields__}
        _write(request, Wording(**words), draft=True)
        to_stage, alias = changes.pop("to_stage", None), changes.pop("alias", None)
        if to_stage is not None or alias is not None:
            aiming.aim(request, to_stage=to_stage or "", alias=alias or "")
        _keep_draft(request, trial, changes.pop("archive_existing", request.archive_existing))
        if changes:
            raise TypeError(f"a draft has no {', '.join(changes)}")
    return request


def _asked_version(version_id: int, trial: Attempt, by: User, *, to_stage: str, alias: str) -> ModelVersion:
    """Return the version, with the trial told about it. Raises NotVisible, NotAllowed."""
    version = visibility.visible_version(version_id, by)
    trial.by = grants.actor(by, version.model)
    trial.target = Target("version", str(version), version.model_id)
    trial.data = {"version": str(version), "to_stage": str(to_stage), **({"alias": alias} if alias else {})}
    if not grants.allows(by, Permission.MODEL_WRITE, version.model):
        raise NotAllowed(_("Asking for a promotion needs the data scientist's role on this model."))
    return version


def _write(request: ApprovalRequest, said: Wording, *, draft: bool) -> None:
    """Set what somebody wrote, checked. A draft may be without a reason yet."""
    request.reason = text_from(said.reason, field="reason", needed=not draft)
    request.roll_out = text_from(said.roll_out, field="roll_out", needed=False)
    request.roll_back = text_from(said.roll_back, field="roll_back", needed=False)
    request.ticket = ticket_from(said.ticket)


def _followed(number: int, request: ApprovalRequest, by: User) -> ApprovalRequest:
    """Return the closed request that is asked again. Raises InvalidInput."""
    seen = visibility.requests_seen_by(by).filter(version__model=request.version.model_id, state__in=CLOSED)
    found = seen.filter(pk=number).first() if number < 2**63 else None
    if found is None:
        message = _("There is no closed request %(number)s of this model that this one could follow.")
        raise InvalidInput(message % {"number": number}, field="follows")
    return found


def _locked_with_finding(request: ApprovalRequest, drift: int | None, to_stage: str, alias: str) -> DriftFinding | None:
    """Lock the model, take the version as it is under that lock, and return the finding that the request covers."""
    stages.lock_model(request.version.model_id)
    request.version = ModelVersion.objects.select_related("model").get(pk=request.version_id)
    return covering.to_cover(drift, request.version, to_stage, alias) if drift is not None else None


def _keep_draft(request: ApprovalRequest, trial: Attempt, archive_existing: bool | None) -> None:
    """Save a draft. Its event is not the model's: nobody else is to learn of it there."""
    policy = policies.in_force(request.version.model_id, request.to_stage, alias=request.alias)
    proposed = policy.archive_existing if policy else True
    request.archive_existing = aiming.archives(request, archive_existing, proposed=proposed)
    request.save()
    trial.target, trial.data = Target("request", f"request {request.pk}"), {}
    trial.done(after={"state": str(request.state)})


def _submit(
    request: ApprovalRequest,
    trial: Attempt,
    rivals: list[ApprovalRequest],
    *,
    archive_existing: bool | None,
    covered: DriftFinding | None,
) -> None:
    """Pin the policy and the evidence of this moment, and open the request. The model and the rivals are locked."""
    aiming.check_version(request.version)
    for rival in rivals:
        if rival.version_id == request.version_id:
            raise _asked_already(request, rival.pk)
    policy = policies.policy_for(request.version, stage=request.to_stage, alias=request.alias)
    _check_solvable(policy, request)
    request.policy, request.state = policy, RequestState.OPEN
    request.archive_existing = aiming.archives(
        request, archive_existing, proposed=policy.archive_existing and not covered
    )
    aiming.pin_alias(request)
    schedule.submitted(request, timezone.now())
    evidence.take(request)
    findings.take(request)
    _save_only_one(request)
    evidence.keep(request)
    older = superseding.mark(request, rivals)
    waiting.note(request)
    counts.note_requests(request.version.model_id)
    if covered:
        covering.cover(covered, request, by=trial.by)
    trial.target = request_target(request)
    trial.done(
        reason=request.reason,
        after={"state": str(request.state)},
        from_stage=str(request.from_stage),
        archive_existing=request.archive_existing,
        evidence_digest=request.evidence_digest,
        policy=policies.terms(policy),
        **({"drift": covered.pk} if covered else {}),
        **({"supersedes": older} if older else {}),
        **({"follows": request.follows_id} if request.follows_id else {}),
        **({"ticket": request.ticket} if request.ticket else {}),
        **({"sponsors": sorted(eligibility.sponsors(request))} if request.requester.is_service else {}),
    )


def _check_solvable(policy: ApprovalPolicy, request: ApprovalRequest) -> None:
    """Raise RuleViolation when nobody could meet the policy: said before anybody waits for what cannot come."""
    problem = solving.who_could(policy, request.version, request.requester).problem
    if problem:
        keep = _("Nothing was submitted. You can keep it as a draft until then.")
        raise RuleViolation(f"{problem} {keep}", field="alias" if request.alias else "to_stage")


def _save_only_one(request: ApprovalRequest) -> None:
    """Save the request, or raise Conflict naming the unfinished one. The database decides, even in a race."""
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError as error:
        rivals = ApprovalRequest.objects.filter(
            version=request.version, to_stage=request.to_stage, alias=request.alias, state__in=UNFINISHED
        )
        raise _asked_already(request, rivals.values_list("pk", flat=True).first()) from error


def _asked_already(request: ApprovalRequest, number: int | None) -> Conflict:
    message = _("Request %(number)s already asks to move %(version)s to %(stage)s. Follow that one, or withdraw it.")
    return Conflict(message % {"number": number, "version": request.version, "stage": request.target})


def _read_details(version_id: int, by: User) -> None:
    """Read the run and MLmodel of a version that were not read yet. What goes wrong is said by `check_version`."""
    unread = ModelVersion.objects.filter(
        pk=version_id, model__in=registry.visible_models(by), deleted_at=None, model__deleted_at=None
    ).exclude(details_state=DetailsState.LOADED)
    if not unread.exists():
        return
    try:
        mirror.refresh_version(version_id)
    except DomainError as error:
        logger.warning("version %s could not be read for a request: %s", version_id, error.message)
