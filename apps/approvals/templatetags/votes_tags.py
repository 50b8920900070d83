"""Parts of pages about votes."""

from typing import Any

from django import template

from apps.approvals.conditions.queries import conditions_of
from apps.approvals.models import ApprovalRequest

register = template.Library()


@register.inclusion_tag("approvals/votes/_conditions.html", takes_context=True)
def request_conditions(context: Any, asked: ApprovalRequest) -> dict[str, Any]:
    """List the conditions of a request's approvals; whoever may, says there that one is met. Nothing without any."""
    rows = conditions_of(asked, context["user"])
    return {"conditions": rows, "csrf_token": context.get("csrf_token")}
