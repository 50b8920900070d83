"""What the page of one request shows, put together from queries. Nothing here decides."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.assurance import SignWith
from apps.approvals import (
    blockers,
    card_changes,
    eligibility,
    evidence,
    findings,
    queries,
    rules,
    schedule,
    staleness,
)
from apps.approvals.acting import EFFECTS
from apps.approvals.checks import CheckResult, Outcome
from apps.approvals.drift import covering
from apps.approvals.findings import SERVED, in_stage
from apps.approvals.models import ApprovalRequest, RequestState, Review, Scope
from apps.approvals.queue.words import headline_in_words
from apps.approvals.reviewing import fields_in_words
from apps.approvals.seating import Seats, seating
from apps.approvals.services import APPLY_JOB
from apps.approvals.signing import asks
from apps.approvals.timeline import archived_numbers, events_of, timeline
from apps.approvals.titles import target_of
from apps.approvals.transitions import RequestAction
from apps.jobs.models import Job
from apps.registry.comparing import Comparison, Directions, MetricRow, compare
from apps.registry.models import ModelVersion, Stage

MOVING = (RequestState.APPROVED, RequestState.APPLYING)
VERDICTS = (RequestAction.APPROVE, RequestAction.REQUEST_CHANGES, RequestAction.REJECT)
HERE = {*EFFECTS, RequestAction.SUBMIT, RequestAction.EDIT}  # what else can be done has a page of its own
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
    side_by_side = compared(asked, archived_numbers(events))
    return {
        **moving_context(asked),
        **checks_context(findings.checks_of(asked) if not draft else []),
        "compared": side_by_side,
        "card_change": card_changes.of(asked, side_by_side.base, reviews),
        "headline": headline_in_words(asked.headline),
        "timeline": timeline(asked, reviews, events),
        "seats": seating(asked, reviews),
        "signatures": [review for review in reviews if review.standing],
        "since": _since_your_vote(asked, reviews, user),
        "blocked": blockers.why_blocked(asked),
        "under_review": findings.live(asked),
        "sponsors": sorted(eligibility.sponsors(asked)),
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
    held = schedule.held(asked, timezone.now()) if asked.state == RequestState.APPROVED else []
    sentences = [sentence for code, sentence, _who, _url in held if code != "freeze"]  # freeze_notice tells of that
    return {"asked": asked, "moving": moving and not held, "waits": bool(held), "held": sentences, "job": job}


def checks_context(results: list[CheckResult]) -> dict[str, Any]:
    """Return the results of checks with how many of those that apply pass or are waived."""
    return {
        "checks": results,
        "passed": sum(result.outcome in (Outcome.PASS, Outcome.WAIVED) for result in results),
        "applicable": sum(result.outcome != Outcome.NOT_APPLICABLE for result in results),
    }


def offers_context(asked: ApprovalRequest, user: Any) -> dict[str, Any]:
    """Return the actions that the person may take now, and why not the others: one sentence for all that share it."""
    offers = [offer for offer in queries.allowed_actions(asked, user) if offer.action in HERE]
    refused: dict[str, list[str]] = {}
    for offer in offers:
        if offer.refusal:
            refused.setdefault(offer.refusal, []).append(offer.label)
    return {
        "offered": [offer for offer in offers if not offer.refusal],
        "refused": [(labels, sentence) for sentence, labels in refused.items()],
        "lacks_factor": rules.can_confirm(user, asked) if refused else None,
        "signs": any(offer.action in VERDICTS and not offer.refusal for offer in offers),
        "primary": (RequestAction.APPROVE, RequestAction.RETRY, RequestAction.SUBMIT),
        "dangerous": (RequestAction.REJECT, RequestAction.DISCARD),
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


def _why_that_base(asked: ApprovalRequest, base: ModelVersion, archived: list[int]) -> str:
    names = {"alias": asked.alias, "stage": base.get_stage_display()}
    if asked.alias and base.number == asked.from_number:
        now = asked.closed_at is None
        return (_("where @%(alias)s points now") if now else _("where @%(alias)s pointed")) % names
    if asked.state == RequestState.APPLIED and base.number in archived:
        return _("the version that it replaced")
    if base.stage in ("", Stage.NONE):
        return ""
    now = findings.live(asked) or asked.state == RequestState.DRAFT
    return (_("the version now in %(stage)s") if now else _("the version that was in %(stage)s")) % names


def _since_your_vote(asked: ApprovalRequest, reviews: list[Review], user: Any) -> dict[str, Any] | None:
    """Return the person's last word and what changed in the evidence since.

    None where nothing did, and where the vote still stands and nothing changed by which it could fall.
    """
    mine = [review for review in reviews if user.pk in (review.reviewer_id, review.counts_for_id)]
    if not mine or mine[-1].evidence_digest == asked.evidence_digest:
        return None
    signed = evidence.kept(asked, mine[-1].evidence_digest)
    if signed is None or (mine[-1].standing and not staleness.weighty(signed, asked.evidence)):
        return None
    changes = evidence.changes(signed, asked.evidence)
    return {"review": mine[-1], "changes": changes} if changes else None


def _to_archive(asked: ApprovalRequest) -> list[Any]:
    return list(in_stage(asked.version, asked.to_stage)) if asked.archive_existing and asked.to_stage in SERVED else []


def _changed_since(asked: ApprovalRequest) -> str:
    """Name what of the version is not any more what was decided on; empty when it is."""
    changes = staleness.weighty(asked.evidence, evidence.of(asked))
    found = [change for change in changes if evidence.scope_of(change.field) != Scope.CHECKLIST]
    return fields_in_words(found) if found else ""


def decision_sentence(asked: ApprovalRequest, seats: list[Seats], to_archive: list[ModelVersion]) -> str:
    """Say what a decision would do, above the buttons that take it."""
    if asked.state == RequestState.DRAFT:
        return _("Submit the draft, and its reviewers see it.")
    if asked.state == RequestState.APPLY_FAILED:
        return _("The approvals stand. The move can be tried again.")
    if not findings.live(asked):
        return _("The move is approved and has not begun.")
    missing = sum(len(row.open) for row in seats)
    if not missing:
        return _("Every approval is given. What else is in the way is listed under “What blocks it”.")
    names = {"missing": missing, "version": asked.version, "number": asked.version.number, "target": target_of(asked)}
    sentence = _approvals_needed(asked, missing) % names
    if to_archive:
        versions = ", ".join(f"v{version.number}" for version in to_archive)
        sentence = _("%(sentence)s and archives %(versions)s") % {"sentence": sentence, "versions": versions}
    return f"{sentence}. {_signed_with(asked)}".rstrip()


def _signed_with(asked: ApprovalRequest) -> str:
    return {
        SignWith.NONE: "",
        SignWith.PASSWORD: _("Signing takes your password."),
        SignWith.FACTOR: _("Signing takes your second factor."),
    }[asks(asked)]


def _approvals_needed(asked: ApprovalRequest, missing: int) -> str:
    if asked.alias and covering.covers(asked):
        return ngettext("One more approval lets %(target)s stay at v%(number)s",
                        "%(missing)s more approvals let %(target)s stay at v%(number)s", missing)  # fmt: skip
    if asked.alias:
        return ngettext("One more approval points %(target)s to v%(number)s",
                        "%(missing)s more approvals point %(target)s to v%(number)s", missing)  # fmt: skip
    if asked.version.stage == asked.to_stage:
        return ngettext("One more approval lets %(version)s stay in %(target)s",
                        "%(missing)s more approvals let %(version)s stay in %(target)s", missing)  # fmt: skip
    return ngettext("One more approval moves %(version)s to %(target)s",
                    "%(missing)s more approvals move %(version)s to %(target)s", missing)  # fmt: skip


def what_happened(action: RequestAction, after: ApprovalRequest) -> str:
    """Say what an action led to, for the message on the next page."""
    if action is RequestAction.APPROVE and after.state == RequestState.APPROVED:
        return _(
            "You approved. That was the last approval needed: Assent writes it to MLflow unless something holds it."
        )
    return {
        RequestAction.APPROVE: _("You approved. It takes more before anything moves."),
        RequestAction.REQUEST_CHANGES: _("You asked for changes. The requester sees your comment."),
        RequestAction.REJECT: _("You rejected the request. Nothing moves."),
        RequestAction.WITHDRAW: _("The request is withdrawn. Nothing moves."),
        RequestAction.RETRY: _("Assent tries again to write it to MLflow."),
        RequestAction.SUBMIT: _("The request is open. Its reviewers see it now."),
        RequestAction.DISCARD: _("The draft is gone. Nobody else saw it."),
        RequestAction.DISMISS_OBJECTION: _("The objection is dismissed. Your reason is kept with it."),
        RequestAction.SUPERSEDE: _("The request is closed. The newer one goes on."),
        RequestAction.REPIN: _("The request follows the present policy now."),
    }.get(action, _("That is done."))
