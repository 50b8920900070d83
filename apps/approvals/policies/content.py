"""What a policy says, as plain data: for the trail, for comparing, and for telling whether it is what was read."""

import hashlib
from typing import Any

from apps.approvals.models import ApprovalPolicy, PolicyRule
from apps.audit.chain import canonical_json

MAX_APPROVALS = 10  # of one rule
TEXTS = ("risk", "tag_key", "tag_value", "stage", "alias", "staleness", "sign_with", "main_metric", "moves_alias")
SWITCHES = (
    "exclude_registrant", "exclude_run_owner", "exclude_last_editor", "several_rules", "archive_existing",
    "revert_drift", "refuse_clients",
)  # fmt: skip
NUMBERS = ("wait_minutes", "open_days", "remind_days", "approval_days", "recertify_days", "after_review_days")
FIELDS = (*TEXTS, *SWITCHES, *NUMBERS, "required_checks", "tolerance_percent")  # beside the model and the rules


def terms(policy: ApprovalPolicy) -> dict[str, Any]:
    """Return what a policy demands, as the trail keeps it."""
    return {
        "policy": policy.pk,
        "revision": policy.revision,
        "model": policy.model.reference if policy.model else None,
        "rules": [_rule(rule) for rule in policy.rules.select_related("group")],
        **{name: getattr(policy, name) for name in FIELDS},
    }


def digest(policy: ApprovalPolicy) -> str:
    """Return a short text that is another one whenever a demand of the policy, or its reason, is."""
    said = {**terms(policy), "reason": policy.reason, "tolerance_percent": str(float(policy.tolerance_percent))}
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()[:16]


def _rule(rule: PolicyRule) -> dict[str, Any]:
    group = rule.group.name if rule.group else None
    return {"name": rule.name, "needed": rule.needed, "group": group, "scopes": rule.scopes}
