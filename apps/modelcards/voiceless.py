"""Service accounts fill cards in, and decide nothing about them: what the database keeps them out of."""

from apps.accounts.triggers import keep_out
from apps.modelcards.models import Card, CardComment, RequirementSet


def keep_service_accounts_out() -> None:
    """Name the columns (apps/accounts/triggers.py). Called when the app is loaded.

    Authors of revisions are not named: pipelines fill cards in.
    """
    keep_out(Card._meta.db_table, "approved_by_id")
    keep_out(CardComment._meta.db_table, "author_id", "resolved_by_id")
    keep_out(RequirementSet._meta.db_table, "published_by_id")
