"""Service accounts sign off nothing: the columns that the database keeps them out of (apps/accounts/triggers.py)."""

from apps.accounts.triggers import keep_out
from apps.approvals.models import AfterReview, Bypass, Delegation, Recertification, Review, Waiver

SIGNED_BY = {
    Review: ("reviewer_id", "counts_for_id"),
    Waiver: ("waived_by_id",),
    Delegation: ("delegator_id", "delegate_id"),
    Bypass: ("asked_by_id", "confirmed_by_id"),
    AfterReview: ("reviewer_id",),
    Recertification: ("reviewer_id",),
}


def keep_service_accounts_out() -> None:
    """Name the columns. Called when the app is loaded."""
    for model, columns in SIGNED_BY.items():
        keep_out(model._meta.db_table, *columns)
