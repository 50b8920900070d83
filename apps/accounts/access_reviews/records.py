"""How campaigns and their items stand in the trail, and how an item is locked and settled."""

from typing import Any

from django.utils import timezone

from apps.accounts import managing
from apps.accounts.models import AccessReview, AccessReviewItem, Decision
from apps.audit.services import Actor, Target

SYSTEM = Actor("system:access_reviews")
KIND = "access_review"
MAX_REASON = 5000  # characters


def review_target(review: AccessReview) -> Target:
    """Return a campaign as the trail names it."""
    return Target(KIND, f"access review {review.pk}")


def item_target(item: AccessReviewItem) -> Target:
    """Return the campaign of an item, with the model that the grant is on: that says who may read the event."""
    return Target(KIND, f"access review {item.review_id}", item.model_id or None)


def about(item: AccessReviewItem) -> dict[str, Any]:
    """Return what the trail tells of an item besides what changes."""
    grant = {"holder": item.holder, "role": item.role, "on": item.on, "number": item.grant_id}
    return {"review": item.review_id, "item": item.pk, "grant": grant}


def locked_review(number: int) -> AccessReview:
    """Return a campaign, locked: whatever changes it or one of its items waits."""
    return AccessReview.objects.select_for_update(no_key=True).get(pk=number)


def locked(item: AccessReviewItem | int) -> AccessReviewItem:
    """Return an item with its grant, locked, its campaign first."""
    key = item if isinstance(item, int) else item.pk
    review = locked_review(AccessReviewItem.objects.values_list("review", flat=True).get(pk=key))
    rows = AccessReviewItem.objects.select_for_update(of=("self",))
    found = rows.select_related("owner", "first_by", "grant__group", "grant__person").get(pk=key)
    found.review = review
    return found


def settle(item: AccessReviewItem, decision: Decision, *, by: str, reason: str = "") -> dict[str, Any]:
    """Write what became of an item, in the caller's transaction; return before and after, for the trail."""
    before = {"decision": item.decision}
    item.decision, item.decided_by, item.decided_at, item.reason = decision, by, timezone.now(), kept(reason)
    item.save(update_fields=["decision", "decided_by", "decided_at", "reason"])
    return {"before": before, "after": {"decision": decision.value}}


def kept(reason: str) -> str:
    """Return a reason as it is kept."""
    return managing.kept(reason, MAX_REASON)
