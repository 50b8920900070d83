"""What the pages of the sign-off show: rows, previews and sentences, put together from queries. Nothing decides."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from apps.approvals import checks, evidence, policies, queries
from apps.approvals.forms import STAGE_ORDER
from apps.approvals.models import (
    UNDER_REVIEW,
    UNFINISHED,
    ApprovalPolicy,
    ApprovalRequest,
    RequestState,
    Review,
    Verdict,
)
from apps.approvals.reviewing import fields_in_words
from apps.approvals.services import APPLY_JOB
from apps.approvals.timeline import archived_numbers, events_of, timeline
from apps.approvals.transitions import RequestAction
from apps.errors import RuleViolation
from apps.jobs.models import Job
from apps.registry.compare import compare
from apps.registry.models import ModelVersion, Stage
from apps.registry.queries import DETAILS, production_version

HISTORY_ROWS = 50
SERVED = (Stage.PRODUCTION, Stage.STAGING)  # stages whose versions somebody uses
MOVING = (RequestState.APPROVED, RequestState.APPLYING)
PRIMARY = (RequestAction.APPROVE, RequestAction.RETRY)
BIG = ("evidence", *(f"version__{name}" for name in DETAILS))  # lists leave them in the database


@dataclass(frozen=True)
class StageOption:
    """A stage that a version can be asked to move to: what its policy demands, and what is there now."""

    stage: str
    label: str
    policy: ApprovalPolicy | None
    closed_because: str
    occupants: list[ModelVersion]


def stage_options(version: ModelVersion) -> list[StageOption]:
    """Return every stage but the version's own, Production first."""
    return [_stage_option(version, stage) for stage in STAGE_ORDER if stage != version.stage]


def _stage_option(version: ModelVersion, stage: Stage) -> StageOption:
    policy, closed_because = None, ""
    try:
        policy = policies.policy_for(version, stage)
    except RuleViolation as error:
        closed_because = error.message
    occupants = list(in_stage(version, stage)) if stage in SERVED else []
    return StageOption(stage.value, str(stage.label), policy, closed_because, occupants)


def in_stage(version: ModelVersion, stage: str) -> QuerySet[ModelVersion]:
    """Return the model's other living versions that are in `stage`, newest first."""
    others = ModelVersion.objects.filter(model=version.model_id, stage=stage, deleted_at=None).exclude(pk=version.pk)
    return others.select_related("model").order_by("-number")


def preview(version: ModelVersion, to_stage: str) -> dict[str, Any]:
    """Return what a reviewer will see first: the comparison with Production, and the checks that do not pass."""
    base = production_version(version.model)
    base = None if base is None or base.pk == version.pk else base
    results = _checked(version, to_stage)
    missed = (checks.Outcome.FAIL, checks.Outcome.ERROR)
    gaps = [result for result in results["checks"] if result.outcome in missed]
    return {**results, "base": base, "comparison": compare(base, version) if base else None, "gaps": gaps}


def request_context(asked: ApprovalRequest) -> dict[str, Any]:
    """Return what the page of one request shows beside its actions."""
    version = asked.version
    events = events_of(asked)
    base, base_note = _base(asked, archived_numbers(events))
    reviews = list(asked.reviews.all())
    approvals = [review for review in reviews if review.standing and review.verdict == Verdict.APPROVE]
    under_review = asked.state in UNDER_REVIEW
    missing = max(asked.policy.required_approvals - len(approvals), 0)
    closed = asked.closed_at is not None
    return {
        **moving_context(asked),
        **_checked(version, asked.to_stage),
        "base": base,
        "base_note": base_note,
        "comparison": compare(base, version) if base else None,
        "timeline": timeline(asked, reviews, events),
        "approvals": approvals,
        "missing": missing,
        "open_slots": range(missing),
        "under_review": under_review,
        "waiting_for": queries.who_could_approve(asked) if under_review else [],
        "blocked": queries.why_blocked(asked) if under_review else [],
        "to_archive": list(in_stage(version, asked.to_stage)) if asked.archive_existing and not closed else [],
        "closed": closed,
        "changed_since": _changed_since(asked) if closed else "",
        "served": asked.to_stage in SERVED,
        "primary": PRIMARY,
    }


def _changed_since(asked: ApprovalRequest) -> str:
    found = evidence.changes(asked.evidence, evidence.collect(asked.version))
    return fields_in_words(found) if found else ""


def moving_context(asked: ApprovalRequest) -> dict[str, Any]:
    """Return how far the apply of a request has come: what the page polls."""
    moving = asked.state in MOVING
    job = Job.objects.filter(key=f"{APPLY_JOB}:{asked.pk}").order_by("-id").first() if moving else None
    return {"asked": asked, "moving": moving, "job": job}


def offers_context(asked: ApprovalRequest, user: Any) -> dict[str, Any]:
    """Return the actions that the person may take now, and why not the others: one sentence for all that share it."""
    offers = queries.allowed_actions(asked, user)
    refused: dict[str, list[str]] = {}
    for offer in offers:
        if offer.refusal:
            refused.setdefault(offer.refusal, []).append(offer.label)
    return {
        "offered": [offer for offer in offers if not offer.refusal],
        "refused": [(", ".join(labels), sentence) for sentence, labels in refused.items()],
    }


def _checked(version: ModelVersion, to_stage: str) -> dict[str, Any]:
    results = checks.run(version, to_stage)
    return {
        "checks": results,
        "passed": sum(result.outcome == checks.Outcome.PASS for result in results),
        "applicable": sum(result.outcome != checks.Outcome.NOT_APPLICABLE for result in results),
    }


def _base(asked: ApprovalRequest, archived: list[int]) -> tuple[ModelVersion | None, str]:
    """Return the version to compare with, and why that one: the replaced one, the one in the stage, Production's."""
    version = asked.version
    if asked.state == RequestState.APPLIED:
        replaced = ModelVersion.objects.filter(model=version.model_id, number__in=archived).select_related("model")
        return replaced.order_by("-number").first(), _("the version that it replaced")
    if asked.to_stage in SERVED and (there := in_stage(version, asked.to_stage).first()):
        return there, _("the version now in %(stage)s") % {"stage": asked.get_to_stage_display()}
    production = in_stage(version, Stage.PRODUCTION).first()
    return production, _("the version now in Production") if production else ""


def as_rows(requests: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
    """Return visible requests with all that a row of a list shows, in one query."""
    return requests.defer(*BIG).annotate(approvals=_approvals())


def _approvals() -> Coalesce:
    reviews = Review.objects.filter(request=OuterRef("pk"), standing=True, verdict=Verdict.APPROVE).order_by()
    number = reviews.values("request").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number), 0, output_field=IntegerField())


def filtered(requests: QuerySet[ApprovalRequest], values: dict[str, Any], user: Any) -> QuerySet[ApprovalRequest]:
    """Return the requests that match a valid RequestFilter."""
    state = values["state"]
    if state:
        requests = requests.filter(state__in=UNFINISHED if state == "unfinished" else [state])
    if values["model"]:
        requests = requests.filter(version__model__name__icontains=values["model"])
    return requests.filter(requester=user) if values["mine"] else requests


def counts(requests: QuerySet[ApprovalRequest]) -> dict[str, int]:
    """Return how many requests are unfinished, and how many there are."""
    unfinished = Count("pk", filter=Q(state__in=UNFINISHED))
    return requests.order_by().aggregate(unfinished=unfinished, total=Count("pk"))


@dataclass(frozen=True)
class StagePolicies:
    """What a stage demands now, for all models and for single ones, and what it demanded before."""

    stage: str
    label: str
    current: ApprovalPolicy | None
    own: list[ApprovalPolicy]
    retired: list[ApprovalPolicy]


def policies_by_stage(user: Any) -> list[StagePolicies]:
    """Return the policies of every stage, Production first; of single models only those that may be seen."""
    rows = queries.visible_policies(user)
    current, retired = rows.filter(retired_at=None), list(rows.filter(retired_at__isnull=False)[:HISTORY_ROWS])
    return [
        StagePolicies(
            stage=stage.value,
            label=str(stage.label),
            current=next((row for row in current if row.stage == stage and row.model is None), None),
            own=[row for row in current if row.stage == stage and row.model is not None],
            retired=[row for row in retired if row.stage == stage],
        )
        for stage in STAGE_ORDER
    ]


def what_happened(action: str, after: ApprovalRequest) -> str:
    """Say what an action led to, for the message on the next page."""
    if action == RequestAction.APPROVE and after.state == RequestState.APPROVED:
        return _("You approved. That was the last approval needed: Assent now writes the stage to MLflow.")
    return {
        RequestAction.APPROVE: _("You approved. It takes more before anything moves."),
        RequestAction.REQUEST_CHANGES: _("You asked for changes. The requester sees your comment."),
        RequestAction.REJECT: _("You rejected the request. Nothing moves."),
        RequestAction.WITHDRAW: _("The request is withdrawn. Nothing moves."),
        RequestAction.RETRY: _("Assent tries again to write the stage to MLflow."),
    }[RequestAction(action)]
