"""Template library `checks_tags`: the checks of a request, and what CI reported on a version."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.approvals import waivers
from apps.approvals.checks import CheckResult, Outcome, external
from apps.approvals.models import UNDER_REVIEW, UNFINISHED, ApprovalRequest
from apps.registry.models import ModelVersion

register = template.Library()


@register.inclusion_tag("approvals/checks/_table.html", takes_context=True)
def request_checks(context: template.Context, asked: ApprovalRequest, results: Iterable[CheckResult]) -> dict[str, Any]:
    """Show what the checks say, or said when it was decided, with the ways to waive one and to take a waiver back."""
    results, user = list(results), context.get("user")
    unfinished = asked.state in UNFINISHED
    refusal = waivers.refusal(asked, user) if unfinished and not all(row.met for row in results) else None
    return {
        "asked": asked,
        "checks": results,
        "passed": sum(row.outcome == Outcome.PASS for row in results),
        "waived": sum(row.outcome == Outcome.WAIVED for row in results),
        "applicable": sum(row.outcome != Outcome.NOT_APPLICABLE for row in results),
        "live": asked.state in UNDER_REVIEW,
        "may_waive": unfinished and refusal is None,
        "refusal": refusal.message if refusal else "",
        "may_revoke": unfinished and grants.allows(user, Permission.MODEL_REVIEW, asked.version.model),
        "username": user.get_username() if user else "",
        "unfinished": unfinished,
    }


@register.inclusion_tag("approvals/checks/_version.html")
def version_checks(version: ModelVersion) -> dict[str, Any]:
    """Show the last report of each check that a pipeline carried out on a version; nothing where there is none."""
    now = timezone.now()
    return {"checks": [external.as_result(report, now=now) for report in external.current(version)]}
