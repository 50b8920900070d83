"""What the pages of the sign-off show: rows, previews and sentences, put together from queries. Nothing decides."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from apps.approvals import checks, eligibility, evidence, findings, policies, queries, staleness
from apps.approvals.findings import SERVED, in_stage
from apps.approvals.forms import STAGE_ORDER
from apps.approvals.models import (
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
from apps.registry import directions
from apps.registry.comparing import Directions, compare
from apps.registry.models import ModelVersion, Stage
from apps.registry.queries import production_version

HISTORY_ROWS = 50
MOVING = (RequestState.APPROVED, RequestState.APPLYING)
PRIMARY = (RequestAction.APPROVE, RequestAction.RETRY)


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


def preview(version: ModelVersion, to_stage: str) -> dict[str, Any]:
    """Return what a reviewer will see first: the comparison with Production, and the checks that do not pass."""
    base = production_version(version.model)
    base = None if base is None or base.pk == version.pk else base
    results = _checked(checks.run(version, to_stage))
    missed = (checks.Outcome.FAIL, checks.Outcome.ERROR)
    gaps = [result for result in results["checks"] if result.outcome in missed]
    return {
        **results,
        "base": base,
        "comparison": compare(base, version, directions=directions.load()) if base else None,
        "gaps": gaps,
    }


def request_context(asked: ApprovalRequest) -> dict[str, Any]:
    """Return what the page of one request shows beside its actions."""
    version, under_review = asked.version, findings.live(asked)
    events = events_of(asked)
    reviews = list(asked.reviews.all())
    approvals = _counted(asked, reviews)
    needed = asked.policy.needed if asked.policy else 0
    missing = max(needed - len(approvals), 0)
    closed = asked.closed_at is not None
    return {
        **moving_context(asked),
        **_checked(findings.checks_of(asked)),
        **_compared(asked, archived_numbers(events)),
        "timeline": timeline(asked, reviews, events),
        "approvals": approvals,
        "missing": missing,
        "needed": needed,
        "open_slots": range(missing),
        "under_review": under_review,
        "already_there": under_review and version.stage == asked.to_stage,
        "waiting_for": queries.who_could_approve(asked) if under_review else [],
        "blocked": queries.why_blocked(asked) if under_review else [],
        "to_archive": list(in_stage(version, asked.to_stage)) if asked.archive_existing and not closed else [],
        "closed": closed,
        "changed_since": "" if under_review else _changed_since(asked),
        "served": asked.to_stage in SERVED,
        "primary": PRIMARY,
    }


def _counted(asked: ApprovalRequest, reviews: list[Review]) -> list[Review]:
    """Return the approvals that count: under review those of people who may still give one, later those that did."""
    approvals = [review for review in reviews if review.standing and review.verdict == Verdict.APPROVE]
    if not approvals or not findings.live(asked):
        return approvals
    able = set(eligibility.eligible_reviewers(asked).values_list("pk", flat=True))
    return [review for review in approvals if review.reviewer_id in able]


def _changed_since(asked: ApprovalRequest) -> str:
    found = staleness.weighty(asked.evidence, evidence.of(asked))
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


def _checked(results: list[checks.CheckResult]) -> dict[str, Any]:
    return {
        "checks": results,
        "passed": sum(result.outcome == checks.Outcome.PASS for result in results),
        "applicable": sum(result.outcome != checks.Outcome.NOT_APPLICABLE for result in results),
    }


def _compared(asked: ApprovalRequest, archived: list[int]) -> dict[str, Any]:
    """Return the version and the one it is, or was, compared with, their comparison, and why that one."""
    stored, model = findings.baseline_of(asked), asked.version.model
    content = evidence.of(asked) if findings.live(asked) else asked.evidence
    candidate = findings.as_version(model, content)
    if stored is None:
        return {"candidate": candidate, "base": None, "base_note": "", "comparison": None}
    base = findings.as_version(model, stored)
    if asked.state == RequestState.APPLIED and base.number in archived:
        note = _("the version that it replaced")
    elif findings.live(asked):
        note = _("the version now in %(stage)s") % {"stage": base.get_stage_display()}
    else:
        note = _("the version that was in %(stage)s") % {"stage": base.get_stage_display()}
    compared = compare(base, candidate, directions=Directions(stored.get("directions", {})))
    return {"candidate": candidate, "base": base, "base_note": note, "comparison": compared}


def as_rows(requests: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
    """Return visible requests with all that a row of a list shows, in one query."""
    return requests.defer(*queries.BIG).annotate(approvals=_approvals())


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


def what_was_published(policy: ApprovalPolicy) -> str:
    """Say what a new policy governs, for the message on the next page."""
    names = {"stage": policy.get_stage_display(), "model": policy.model}
    if policy.model:
        return (
            _("The policy for %(stage)s of %(model)s is published. New requests follow it; open ones keep theirs.")
            % names
        )
    return _("The policy for %(stage)s is published. New requests follow it; open ones keep theirs.") % names


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
