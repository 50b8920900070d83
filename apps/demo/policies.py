"""The demo's policies: one reviewer for each stage and for the protected alias; Production wants two checks besides."""

from typing import Any

from apps.accounts.models import User
from apps.approvals.models import ApprovalPolicy, PolicyState
from apps.approvals.policies import drafting, publishing
from apps.registry.models import Stage

PROTECTED = "champion"
REASON = "Demo set-up"
ONE_REVIEWER = ({"needed": 1, "group": None},)
POLICIES: tuple[dict[str, Any], ...] = (
    {"stage": Stage.STAGING, "archive_existing": False},
    {"stage": Stage.PRODUCTION, "archive_existing": True, "required_checks": ["signature", "run_finished"]},
    {"stage": Stage.ARCHIVED, "archive_existing": False},
    {"stage": Stage.NONE, "archive_existing": False},
    {"alias": PROTECTED, "archive_existing": False},
)


def seed_policies(*, by: User) -> None:
    """Draft the policies as the admin and publish them as the operator, for there is no second admin yet.

    Where a target has a policy already, it stays.
    """
    for values in POLICIES:
        if not _in_force(values):
            drafted = drafting.draft({**values, "reason": REASON}, ONE_REVIEWER, by=by)
            publishing.publish(drafted.pk, by=None)


def policies_seeded() -> bool:
    """Return whether every target of the demo has a policy for all models."""
    return all(_in_force(values) for values in POLICIES)


def _in_force(values: dict[str, Any]) -> bool:
    target = {"stage": values.get("stage", ""), "alias": values.get("alias", "")}
    general = ApprovalPolicy.objects.filter(model=None, risk="", tag_key="", state=PolicyState.PUBLISHED)
    return general.filter(**target).exists()
