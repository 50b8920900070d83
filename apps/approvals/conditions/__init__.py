"""Conditions of an approval: who does what by when. Overdue, a condition revokes the approval that it came with."""

from apps.approvals.conditions.services import attach, meet, revoke_overdue

__all__ = ["attach", "meet", "revoke_overdue"]
