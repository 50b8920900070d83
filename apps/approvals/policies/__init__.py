"""Policies: what a move demands. Drafted, tried out, published by a second person; published ones never change."""

from apps.approvals.policies import freezes
from apps.approvals.policies.content import MAX_APPROVALS, terms
from apps.approvals.policies.selecting import in_force, policy_for, present_for

__all__ = ["MAX_APPROVALS", "freezes", "in_force", "policy_for", "present_for", "terms"]
