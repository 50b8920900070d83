"""How a control about versions becomes one about the model: of what is in Production, the worst answer counts."""

from collections.abc import Callable

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.approvals.models import ApprovalRequest
from apps.compliance.controls.outcomes import WORST_FIRST, Facts, Finding, Outcome, Placed
from apps.registry.addresses import model_address


def each_in_production(facts: Facts, function: Callable[[Facts, Placed], Finding]) -> Finding:
    """Return the worst of what `function` finds about each version in Production."""
    if not facts.placed:
        text = _("No version was in Production then.") if facts.past else _("No version is in Production.")
        return Finding(Outcome.NOT_APPLICABLE, text, model_address(facts.model.reference))
    return min((function(facts, placed) for placed in facts.placed), key=lambda found: WORST_FIRST.index(found.outcome))


def request_address(request: ApprovalRequest) -> str:
    """Return the path of a request's page."""
    return reverse("approvals:request-detail", args=[request.pk])
