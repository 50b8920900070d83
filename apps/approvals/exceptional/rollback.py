"""Going back: to a version that was approved for the place and whose files are the ones that were signed. At once.

Nobody votes before; a review afterwards is owed. Neither a wait nor a freeze holds a rollback back.
"""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.guards import lock_people
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import advancing, aiming, counts, evidence, findings, policies, schedule, visibility, waiting
from apps.approvals.exceptional import expediting, resting
from apps.approvals.models import ApprovalRequest, ProtectedAlias, RequestKind, RequestState
from apps.approvals.records import about, request_target
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Attempt, Target
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible
from apps.registry import stages
from apps.registry.models import ModelVersion, RegisteredModel, Stage
from apps.registry.queries import DETAILS, visible_models
from apps.texts import text_from

PLACES = (Stage.PRODUCTION, Stage.STAGING)  # stages that somebody uses
MOST = 200  # decisions looked back at
BIG = ("evidence", "checks", "baseline", "headline", "tally", *(f"version__{name}" for name in DETAILS))


@dataclass(frozen=True)
class RollbackTarget:
    """A version that was in the place before. `refusal` says why it cannot go back there; empty: it can."""

    version: ModelVersion
    request: ApprovalRequest  # the approval that it rests on, or the decision that is none
    refusal: str


def targets(model: RegisteredModel, *, stage: str = "", alias: str = "") -> list[RollbackTarget]:
    """Return the versions that were in a stage, or under an alias, by a decision and are not now, latest first.

    Two queries, however many there are; decisions further back than 200 are left out.
    """
    applied = ApprovalRequest.objects.filter(
        version__model=model, state=RequestState.APPLIED, to_stage=stage, alias=alias
    )
    rows = applied.select_related("version__model", "after_review").defer(*BIG)
    rows = rows.annotate(signed=resting.SIGNED).order_by("-closed_at", "-id")
    by_version: dict[int, list[ApprovalRequest]] = {}
    for row in rows[:MOST]:
        by_version.setdefault(row.version_id, []).append(row)
    here = set(there(model, stage=stage, alias=alias).values_list("pk", flat=True))
    return [_target(decisions) for pk, decisions in by_version.items() if pk not in here]


def best(found: list[RollbackTarget]) -> RollbackTarget | None:
    """Return the version to go back to where nobody names one: the last that was there and can return."""
    return next((row for row in found if not row.refusal), None)


def there(model: RegisteredModel, *, stage: str = "", alias: str = "") -> QuerySet[ModelVersion]:
    """Return the versions that are in a stage, or under an alias, as the mirror says now."""
    rows = ModelVersion.objects.filter(model=model, deleted_at=None)
    return rows.filter(stage=stage) if stage else rows.filter(aliases__alias=alias)


def roll_back(
    model_id: int, *, stage: str = "", alias: str = "", number: int | None = None, reason: str, by: User
) -> ApprovalRequest:
    """Put a version back into a stage, or a protected alias back on a version, on the strength of its approval.

    `number` None takes the last version that was there and can return. Raises NotVisible, NotAllowed (it takes
    `model:deploy`), InvalidInput (naming the field), RuleViolation (no policy) and Conflict: the version cannot go
    back there, or another request for the same move is under way.
    """
    with audit.attempt(
        Action.ROLLBACK_ASKED, by=grants.actor(by), target=Target("model", f"model {model_id}")
    ) as trial:
        model = _asked_model(model_id, trial, by)
        check_place(stage, alias)
        reason = text_from(reason, field="reason")
        lock_people(by.pk)  # whoever asks does not change who signs, see signers.py
        visibility.locked_rivals(model.pk, to_stage=stage, alias=alias)
        stages.lock_model(model.pk)
        request = _request(_chosen(targets(model, stage=stage, alias=alias), number), stage, alias, reason, by)
        now = timezone.now()
        schedule.submitted(request, now)
        expediting.expedite(request, now)
        evidence.take(request)
        findings.take(request)
        _save_only_one(request)
        evidence.keep(request)
        owed = expediting.owe_review(request, now)
        waiting.note(request)
        counts.note_requests(model.pk)
        advancing.enqueue_apply(request, requested_by=by.get_username())
        trial.target = request_target(request)
        trial.done(
            reason=reason,
            after={"state": str(request.state)},
            from_stage=str(request.from_stage),
            follows=request.follows_id,
            evidence_digest=request.evidence_digest,
            archive_existing=request.archive_existing,
            review_due=owed.due_at.isoformat(),
            policy=policies.terms(request.policy) if request.policy else None,
            **about(request),
        )
    return request


def _asked_model(model_id: int, trial: Attempt, by: User) -> RegisteredModel:
    model = visible_models(by).filter(pk=model_id).first()
    if model is None:
        raise NotVisible(_("There is no such model, or you may not see it."))
    trial.by = grants.actor(by, model)
    trial.target = Target("model", model.reference, model.pk)
    if not grants.allows(by, Permission.MODEL_DEPLOY, model):
        raise NotAllowed(_("Rolling back needs the ML engineer's role on this model. Ask an admin."))
    return model


def check_place(stage: str, alias: str) -> None:
    """Raise InvalidInput, naming the field, unless this is one place that can be rolled back."""
    if bool(stage) == bool(alias):
        raise InvalidInput(_("Name one place: a stage, or a protected alias."), field="alias" if alias else "stage")
    if stage and stage not in PLACES:
        message = _("Only a stage that is served is rolled back. Use one of: %(stages)s.")
        raise InvalidInput(message % {"stages": ", ".join(PLACES)}, field="stage")
    if alias and not ProtectedAlias.objects.filter(alias=alias).exists():
        message = _("@%(alias)s is not a protected alias: move it in MLflow, or protect it first.")
        raise InvalidInput(message % {"alias": alias}, field="alias")


def _chosen(found: list[RollbackTarget], number: int | None) -> RollbackTarget:
    if number is None:
        chosen = best(found)
        if chosen is None:
            message = _("No earlier version can go back there. %(why)s")
            raise Conflict((message % {"why": found[0].refusal if found else ""}).strip())
        return chosen
    named = next((row for row in found if row.version.number == number), None)
    if named is None:
        message = _("v%(number)s is there now, or never was by a decision here. Ask for a promotion instead.")
        raise Conflict(message % {"number": number}, field="version")
    if named.refusal:
        raise Conflict(named.refusal, field="version")
    return named


def _request(chosen: RollbackTarget, stage: str, alias: str, reason: str, by: User) -> ApprovalRequest:
    """Return the request of a rollback, not saved: under the policy of now, from where the mirror says it starts."""
    version = ModelVersion.objects.select_related("model").get(pk=chosen.version.pk)
    aiming.check_version(version)
    request = ApprovalRequest(version=version, requester=by, reason=reason, follows=chosen.request)
    aiming.aim(request, to_stage=stage, alias=alias)
    request.kind = RequestKind.ROLLBACK
    request.policy = policies.policy_for(version, stage, alias=alias)
    aiming.pin_alias(request)
    request.archive_existing = aiming.archives(request, True, proposed=True)  # what goes wrong does not stay beside it
    return request


def _target(decisions: list[ApprovalRequest]) -> RollbackTarget:
    """Return what one version rests on: its latest decision that is an approval, else why there is none."""
    voted = next((row for row in decisions if not resting.unreviewed(row)), decisions[0])
    return RollbackTarget(voted.version, voted, resting.refusal(voted))


def _save_only_one(request: ApprovalRequest) -> None:
    """Save the request, or raise Conflict when the same move is asked for already: the database decides."""
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError as error:
        rivals = ApprovalRequest.objects.filter(
            version=request.version, to_stage=request.to_stage, alias=request.alias, closed_at=None
        ).exclude(state=RequestState.DRAFT)
        message = _(
            "Request %(number)s already moves %(version)s to %(target)s. Follow that one, or withdraw it first."
        )
        names = {"number": rivals.values_list("pk", flat=True).first(), "target": request.target}
        raise Conflict(message % {"version": request.version, **names}) from error
