"""What a bypass and a rollback have in common: applied at once, reviewed afterwards, by a day that the policy sets."""

from datetime import datetime, timedelta

from apps.approvals import schedule
from apps.approvals.models import AfterReview, ApprovalRequest, RequestState

FIELDS = ("state", "expedited", "bypassed", *schedule.TIMES)
DAYS = 3  # where a policy says nothing


def expedite(request: ApprovalRequest, at: datetime) -> None:
    """Set on a locked request that it is approved without votes, and waits for nothing. The caller saves FIELDS."""
    request.state, request.expedited = RequestState.APPROVED, True
    schedule.approved(request, at)


def owe_review(request: ApprovalRequest, at: datetime) -> AfterReview:
    """Note, in the caller's transaction, the review that the request owes from now on."""
    days = request.policy.after_review_days if request.policy else DAYS
    return AfterReview.objects.create(request=request, due_at=at + timedelta(days=days))
