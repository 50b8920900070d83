"""What is read by itself: a request on a model of high risk is not signed in one go with others."""

from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.assurance import SignWith
from apps.accounts.models import User
from apps.approvals.models import ApprovalRequest
from apps.approvals.records import about, request_target
from apps.approvals.signing import asks
from apps.approvals.transitions import Transition
from apps.approvals.visibility import requests_seen_by
from apps.audit import services as audit
from apps.errors import RuleViolation

HIGH_RISK = "high"


def why_alone(request: ApprovalRequest) -> str:
    """Say why a request cannot be signed together with others; empty when it can.

    Where its policy asks signers again who they are, once is enough for several all the same.
    """
    high = request.version.model.risk.strip().lower() == HIGH_RISK
    if not high or asks(request) is not SignWith.NONE:
        return ""
    return _("The model's risk is high: open the request and sign it by itself.")


def refuse_alone(request_id: int, row: Transition, *, by: User) -> None:
    """Raise RuleViolation, and record the attempt, when the request is one to be signed by itself."""
    if not row.verdict or request_id >= 2**63:
        return
    seen = requests_seen_by(by).select_related("version__model", "policy").filter(pk=request_id).first()
    sentence = why_alone(seen) if seen else ""
    if seen and sentence:
        target, data = request_target(seen), {"asked": row.action.value, **about(seen)}
        with audit.attempt(row.records, by=grants.actor(by, seen.version.model), target=target) as trial:
            trial.data = data
            raise RuleViolation(sentence)
