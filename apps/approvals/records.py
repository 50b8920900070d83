"""How the trail names a request, and what it is about."""

from typing import Any

from apps.approvals.models import ApprovalRequest
from apps.audit.services import Target


def request_target(request: ApprovalRequest) -> Target:
    """Return the request as the trail names it."""
    return Target("request", f"request {request.pk}", request.version.model_id)


def about(request: ApprovalRequest) -> dict[str, Any]:
    """Return what the request moves and where to, for the data of its events."""
    return {"version": str(request.version), "to_stage": str(request.to_stage)}
