"""What was so when somebody asked and stays in the evidence beside what is so now: who made the version, and by what
the policy was chosen. Both come from tags in MLflow, which whom they bar could change there for a while.
"""

from typing import Any

from apps.approvals import eligibility
from apps.approvals.models import ApprovalPolicy, ApprovalRequest
from apps.approvals.policies import selecting
from apps.registry.models import RegisteredModel


def makers(request: ApprovalRequest) -> dict[str, Any]:
    """Return who made the version: as MLflow says now, and pinned whoever it named at any time since it was asked."""
    version, before = request.version, eligibility.pinned_makers(request)
    now = {"registrants": eligibility.registrants(version), "run_owners": eligibility.run_owners(version)}
    return {
        "now": {part: sorted(names) for part, names in now.items()},
        "pinned": {part: sorted(names | before[part]) for part, names in now.items()},
    }


def selection(request: ApprovalRequest) -> dict[str, Any]:
    """Return the risk tier and those tags of the model by which policies are chosen: now, and when this one was."""
    model, pinned = request.version.model, _pinned(request)
    pinned = _facts(model, _keys(request)) if pinned is None else pinned
    return {"now": _facts(model, pinned["tags"]), "pinned": pinned}


def outgrown(request: ApprovalRequest) -> selecting.Selection | None:
    """Return what governs the move now, where tier or tags have changed so that it is not the request's policy.

    None while they have not, or where their change makes no difference. A policy that was published since makes none:
    a request keeps its own.
    """
    pinned, model = _pinned(request), request.version.model
    if pinned is None or request.policy is None or pinned == _facts(model, pinned["tags"]):
        return None
    found = selecting.select(model, stage=request.to_stage, alias=request.alias)
    return None if found.policy and selecting.same_scope(found.policy, request.policy) else found


def _pinned(request: ApprovalRequest) -> dict[str, Any] | None:
    """Return tier and tags as they were when the request's policy was chosen; None where that is still to be noted."""
    chosen = request.evidence.get("policy") or {}
    if "selection" not in request.evidence or chosen.get("id") != request.policy_id:
        return None
    pinned: dict[str, Any] = request.evidence["selection"]["pinned"]
    return pinned


def _facts(model: RegisteredModel, keys: Any) -> dict[str, Any]:
    tags = model.tags or {}
    return {"risk": model.risk, "tags": {key: tags.get(key) for key in sorted(keys)}}


def _keys(request: ApprovalRequest) -> list[str]:
    """Return the tags that any policy in force for this target goes by; one that the model lacks counts as well."""
    asking: Any = selecting.published(stage=request.to_stage, alias=request.alias).exclude(tag_key="")
    rows = ApprovalPolicy.objects.filter(pk__in=asking.order_by().values("pk"))
    return list(rows.order_by("tag_key").values_list("tag_key", flat=True).distinct())
