"""A request as one file: what was asked, on which evidence, who signed what and when, and what came of it."""

from typing import Any

from apps.approvals import blockers, findings
from apps.approvals.checks import as_row
from apps.approvals.models import ApprovalRequest, Condition, Review
from apps.approvals.policies import terms
from apps.approvals.seating import seating
from apps.approvals.timeline import events_of
from apps.approvals.titles import title_of
from apps.masking import masked

FORMAT = "assent.request/1"
PLAIN = ("id", "kind", "state", "from_stage", "to_stage", "alias", "from_number", "archive_existing", "reason",
         "roll_out", "roll_back", "ticket", "follows_id", "superseded_by_id", "bypassed", "evidence_digest",
         "apply_error")  # fmt: skip
TIMES = ("created_at", "submitted_at", "approved_at", "apply_after", "expires_at", "closed_at", "recertify_by",
         "lapsed_at")  # fmt: skip
SIGNED = ("id", "verdict", "comment", "evidence_digest", "scopes", "standing", "dismissed_because", "meaning",
          "signed_name", "confirmed_with", "statement", "reviewer_role")  # fmt: skip


def exported(asked: ApprovalRequest) -> dict[str, Any]:
    """Return everything about a request as JSON. The caller has checked that it may be seen.

    Credentials in addresses are masked; the digests are those of the true text.
    """
    return masked(_whole(asked))


def _whole(asked: ApprovalRequest) -> dict[str, Any]:
    reviews = list(asked.reviews.all())
    return {
        "format": FORMAT,
        "title": title_of(asked),
        "model": asked.version.model.reference,
        "version": asked.version.number,
        "requester": asked.requester.get_username(),
        **{name: getattr(asked, name) for name in PLAIN},
        **{name: moment(getattr(asked, name)) for name in TIMES},
        "policy": terms(asked.policy) if asked.policy else None,
        "seats": seats(asked, reviews),
        "blockers": [vars(row) for row in blockers.why_blocked(asked)],
        "signatures": [_signature(review) for review in reviews],
        "checks": [as_row(result) for result in findings.checks_of(asked)] if asked.policy else [],
        "evidence": asked.evidence,
        "snapshots": [_snapshot(row) for row in asked.snapshots.order_by("id")],
        "compared_with": findings.baseline_of(asked),
        "headline": asked.headline,
        "events": [_event(event) for event in events_of(asked)],
    }


def seats(asked: ApprovalRequest, reviews: list[Review]) -> list[dict[str, Any]]:
    """Return who fills which rule, and who could."""
    return [
        {
            "rule": row.name,
            "needed": row.rule.needed,
            "filled_by": [review.counts_for.get_username() for review in row.reviews],
            "could": [person.get_username() for person in row.could],
        }
        for row in seating(asked, reviews)
    ]


def moment(at: Any) -> str | None:
    """Return a time as ISO 8601, or None."""
    return at.isoformat() if at else None


def _signature(review: Review) -> dict[str, Any]:
    return {
        **{name: getattr(review, name) for name in SIGNED},
        "reviewer": review.reviewer.get_username(),
        "counts_for": review.counts_for.get_username(),
        "signed_at": moment(review.created_at),
        "dismissed_at": moment(review.dismissed_at),
        "conditions": [_condition(row) for row in review.conditions.all()],
    }


def _condition(row: Condition) -> dict[str, Any]:
    return {
        "text": row.text,
        "owner": row.owner.get_username(),
        "severity": row.severity,
        "due_at": moment(row.due_at),
        "met_at": moment(row.met_at),
        "met_by": row.met_by,
        "note": row.note,
        "revoked_at": moment(row.revoked_at),
    }


def _snapshot(row: Any) -> dict[str, Any]:
    return {"digest": row.digest, "since": moment(row.created_at), "content": row.content}


def _event(event: Any) -> dict[str, Any]:
    return {
        "number": event.pk,
        "at": moment(event.at),
        "action": event.action,
        "outcome": event.outcome,
        "actor": event.actor,
        "role": event.actor_role,
        "reason": event.reason,
        "hash": event.hash,
    }
