"""Reading the conditions of a request, as its page shows them."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apps.approvals.models import ApprovalRequest, Condition


@dataclass(frozen=True)
class Shown:
    """A condition, where it stands (open, met, overdue, revoked, moot), and whether this person may say it is met."""

    condition: Condition
    state: str
    may_meet: bool


def conditions_of(request: ApprovalRequest, user: Any) -> list[Shown]:
    """Return the conditions of all approvals of a request, the next due first, in one query."""
    rows = Condition.objects.filter(review__request=request).select_related("owner", "review__reviewer")
    return [_shown(row, user) for row in rows.order_by("due_at", "id")]


def state_of(condition: Condition) -> str:
    """Return where a condition stands. Moot: the approval that it came with no longer stands for another reason."""
    if condition.met_at:
        return "met"
    if condition.revoked_at:
        return "revoked"
    if not condition.review.standing:
        return "moot"
    return "overdue" if condition.due_at <= timezone.now() else "open"


def _shown(condition: Condition, user: Any) -> Shown:
    state, review = state_of(condition), condition.review
    concerned = user.pk in (condition.owner_id, review.reviewer_id, review.counts_for_id)
    return Shown(condition, state, concerned and state in ("open", "overdue"))
