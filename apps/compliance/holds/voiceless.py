"""Service accounts lift no legal hold: the column that the database keeps them out of (apps/accounts/triggers.py)."""

from apps.accounts.triggers import keep_out
from apps.compliance.models import LegalHold


def keep_service_accounts_out() -> None:
    """Name the column. Called when the app is loaded.

    Who set a hold is not named with it: one that a machine set before it was refused can still be lifted.
    """
    keep_out(LegalHold._meta.db_table, "lifted_by_id")
