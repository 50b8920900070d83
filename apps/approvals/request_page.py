"""What the page of one request shows, put together from queries. Nothing here decides."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.approvals import blockers, evidence, findings, queries, staleness
from apps.approvals.checks import CheckResult, Outcome
from apps.approvals.findings import SERVED, in_stage
from apps.approvals.models import ApprovalRequest, RequestState, Review, Verdict
from apps.approvals.queue.words import headline_in_words
from apps.approvals.reviewing import fields_in_words
from apps.approvals.seating import seating
from apps.approvals.services import APPLY_JOB
from apps.approvals.timeline import archived_numbers, events_of, timeline
from apps.approvals.transitions import RequestAction
from apps.jobs.models import Job
from apps.registry.comparing import Comparison, Directions, MetricRow, compare
from apps.registry.models import Stage

MOVING = (RequestState.APPROVED, RequestState.APPLYING)
FIRST = {"worse": 0, "unknown": 1, "better": 2, "same": 3}  # what a reviewer has to see comes first


@dataclass(frozen=True)
class Compared:
    """A version beside the one that it takes the place of; `base` None where there is none."""

    candidate: Any
    base: Any
    note: str
    comparison: Comparison | None
    metrics: list[MetricRow]
    with_files: bool


def request_context(asked: ApprovalRequest, user: Any) -> dict[str, Any]:
    """Return what the page shows beside its actions: what changed, seats, blockers, checks, timeline, signatures."""
    events, reviews = events_of(asked), list(asked.reviews.all())
    draft = asked.state == RequestState.DRAFT
    closed = asked.closed_at is not None
    return {
        **moving_context(asked),
        **checks_context(findings.checks_of(asked) if not draft else []),
        "compared": compared(asked, archived_numbers(events)),
        "headline": headline_in_words(asked.headline),
        "timeline": timeline(asked, reviews, events),
        "seats": seating(asked, reviews),
        "signatures": [review for review in reviews if review.standing],
        "since": _since_your_vote(asked, reviews, user),
        "blocked": blockers.why_blocked(asked),
        "under_review": findings.live(asked),
        "draft": draft,
        "closed": closed,
        "to_archive": _to_archive(asked) if not closed else [],
        "changed_since": "" if draft or findings.live(asked) else _changed_since(asked),
        "served": asked.to_stage in SERVED,
        "followers": list(asked.followers.order_by("id")),
        "superseded": list(asked.supersedes.order_by("id")),
    }


def moving_context(asked: ApprovalRequest) -> dict[str, Any]:
    """Return how far the apply of a request has come: what the page polls."""
    moving = asked.state in MOVING
    job = Job.objects.filter(key=f"{APPLY_JOB}:{asked.pk}").order_by("-id").first() if moving else None
    held = asked.state == RequestState.APPROVED and bool(job is None or job.finished_at)
    return {"asked": asked, "moving": moving and not held, "held": held, "job": job}


def checks_context(results: list[CheckResult]) -> dict[str, Any]:
    """Return the results of checks with how many of those that apply pass or are waived."""
    return {
        "checks": results,
        "passed": sum(result.outcome in (Outcome.PASS, Outcome.WAIVED) for result in results),
        "applicable": sum(result.outcome != Outcome.NOT_APPLICABLE for result in results),
    }


def offers_context(asked: ApprovalRequest, user: Any) -> dict[str, Any]:
    """Return the actions that the person may take now, and why not the others: one sentence for all that share it."""
    offers = queries.allowed_actions(asked, user)
    refused: dict[str, list[str]] = {}
    for offer in offers:
        if offer.refusal:
            refused.setdefault(offer.refusal, []).append(offer.label)
    return {
        "offered": [offer for offer in offers if not offer.refusal],
        "refused": [(labels, sentence) for sentence, labels in refused.items()],
        "primary": (RequestAction.APPROVE, RequestAction.RETRY),
    }


def compared(asked: ApprovalRequest, archived: list[int]) -> Compared:
    """Return the version and the one it is, or was, compared with, and why with that one."""
    live = findings.live(asked) or asked.state == RequestState.DRAFT
    stored, model = findings.baseline_of(asked), asked.version.model
    content = evidence.of(asked) if live else asked.evidence
    candidate = findings.as_version(model, content)
    if stored is None:
        return Compared(candidate, None, "", None, [], with_files=False)
    base = findings.as_version(model, stored)
    comparison = compare(base, candidate, directions=Directions(stored.get("directions", {})))
    main = (asked.headline or {}).get("metric")
    metrics = sorted(comparison.metrics, key=lambda row: (row.name != main, FIRST.get(row.verdict, 1)))
    with_files = bool(stored.get("files")) and bool(content.get("files"))
    return Compared(candidate, base, _why_that_base(asked, base, archived), comparison, metrics, with_files)


def _why_that_base(asked: ApprovalRequest, base: Any, archived: list[int]) -> str:
    if asked.alias and base.number == asked.from_number:
        return (
            _("where @%(alias)s points now") % {"alias": asked.alias}
            if findings.live(asked)
            else _("where @%(alias)s pointed") % {"alias": asked.alias}
        )
    if asked.state == RequestState.APPLIED and base.number in archived:
        return _("the version that it replaced")
    if base.stage in ("", Stage.NONE):
        return ""
    if asked.closed_at is None:
        return _("the version now in %(stage)s") % {"stage": base.get_stage_display()}
    return _("the version that was in %(stage)s") % {"stage": base.get_stage_display()}


def _since_your_vote(asked: ApprovalRequest, reviews: list[Review], user: Any) -> dict[str, Any] | None:
    """Return the person's last word and what changed in the evidence since; None where nothing did."""
    mine = [review for review in reviews if user.pk in (review.reviewer_id, review.counts_for_id)]
    if not mine or mine[-1].evidence_digest == asked.evidence_digest:
        return None
    changes = evidence.since(mine[-1])
    return {"review": mine[-1], "changes": changes} if changes else None


def _to_archive(asked: ApprovalRequest) -> list[Any]:
    return list(in_stage(asked.version, asked.to_stage)) if asked.archive_existing and asked.to_stage in SERVED else []


def _changed_since(asked: ApprovalRequest) -> str:
    """Name what of the evidence is not any more what was decided on; empty when it is."""
    found = staleness.weighty(asked.evidence, evidence.of(asked))
    return fields_in_words(found) if found else ""


def standing_objections(reviews: list[Review]) -> list[Review]:
    """Return the requests for changes that stand."""
    return [review for review in reviews if review.standing and review.verdict == Verdict.REQUEST_CHANGES]
