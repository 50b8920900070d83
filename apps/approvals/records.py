"""How the trail names a request, and what it is about."""

from typing import Any

from apps.approvals.models import ApprovalRequest, Review
from apps.audit.services import Target


def request_target(request: ApprovalRequest) -> Target:
    """Return the request as the trail names it."""
    return Target("request", f"request {request.pk}", request.version.model_id)


def about(request: ApprovalRequest) -> dict[str, Any]:
    """Return what the request moves and where to, for the data of its events."""
    alias = {"alias": request.alias} if request.alias else {}
    return {"version": str(request.version), "to_stage": str(request.to_stage), **alias}


def signature(review: Review) -> dict[str, Any]:
    """Return what a signature says, for the data of its event: what it means, what it is about, and for whom."""
    conditions = list(review.conditions.order_by("id").values_list("text", flat=True))
    return {
        "review": review.pk,
        "meaning": str(review.meaning),
        "signed_name": review.signed_name,
        "signed_digest": review.evidence_digest,
        "scopes": review.scopes,
        **({"confirmed_with": review.confirmed_with} if review.confirmed_with else {}),
        **({"on_behalf_of": review.counts_for.get_username()} if review.counts_for_id != review.reviewer_id else {}),
        **({"conditions": conditions} if conditions else {}),
    }
