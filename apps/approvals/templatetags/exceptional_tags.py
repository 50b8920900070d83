"""What other pages show of bypasses, reviews afterwards, rollbacks and approvals that end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.approvals.exceptional import after_review, queries, recertification, rollback
from apps.approvals.exceptional.rules import after_review_of, outdated, standing_bypass, the_first_still_may
from apps.approvals.models import AfterReview, ApprovalRequest, RequestState
from apps.approvals.transitions import TRANSITIONS, RequestAction, refusal
from apps.errors import DomainError
from apps.registry.models import ModelVersion, RegisteredModel, Stage

register = template.Library()


@dataclass(frozen=True)
class Way:
    """A way that a request offers beside the ordinary: where it is, and why this person may not go it."""

    url: str
    refusal: str


@register.inclusion_tag("approvals/exceptional/_request.html", takes_context=True)
def request_exceptions(context: template.Context, asked: ApprovalRequest) -> dict[str, Any]:
    """Say what is beside the ordinary about a request, and offer what this person can do about it."""
    user, now = context.get("user"), timezone.now()
    draft = asked.state == RequestState.DRAFT
    bypass = None if draft else standing_bypass(asked)
    owed = after_review_of(asked) if asked.expedited else None
    waiting = bool(bypass and not bypass.confirmed_at and asked.state in queries.BYPASSABLE)
    standing = recertification.standing(asked, now)
    return {
        "asked": asked,
        "bypass": bypass,
        "waiting": waiting,
        "gone": the_first_still_may(user, asked) if waiting and user else "",
        "outdated": bool(waiting and bypass and outdated(asked, bypass)),
        "owed": owed,
        "overdue": bool(owed and after_review.owed(owed, asked) and owed.due_at <= now),
        "standing": standing,
        "confirm": _way(asked, RequestAction.CONFIRM_BYPASS, "request-bypass", user) if waiting else None,
        "drop": _way(asked, RequestAction.DROP_BYPASS, "request-bypass-drop", user) if waiting else None,
        "ask": _way(asked, RequestAction.ASK_BYPASS, "request-bypass", user),
        "review": _way(asked, RequestAction.AFTER_REVIEW, "request-after-review", user) if owed else None,
        "recertify": _way(asked, RequestAction.RECERTIFY, "request-recertify", user) if standing else None,
        "rollback_url": _rollback_url(asked.version.model, asked.to_stage, asked.alias, user),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("approvals/exceptional/_lines.html", takes_context=True)
def model_exceptions(context: template.Context, model: RegisteredModel) -> dict[str, Any]:
    """Say what of a model owes a review, was not ratified, or lapses."""
    return _lines(queries.reviews_on(model.pk), queries.ending_on(model.pk), context.get("user"))


@register.inclusion_tag("approvals/exceptional/_lines.html", takes_context=True)
def version_exceptions(context: template.Context, version: ModelVersion) -> dict[str, Any]:
    """Say the same of one version."""
    owed = queries.reviews_on(version.model_id, version.pk)
    return _lines(owed, queries.ending_on(version.model_id, version.pk), context.get("user"))


@register.inclusion_tag("approvals/exceptional/_rollback_button.html", takes_context=True)
def rollback_button(
    context: template.Context, model: RegisteredModel, version: ModelVersion | None = None
) -> dict[str, Any]:
    """Offer an ML engineer the way back to the last version that can return to Production, or to `version`."""
    url = _rollback_url(model, Stage.PRODUCTION, "", context.get("user"))
    if not url or model.deleted_at or (version and version.stage == Stage.PRODUCTION):
        return {"url": ""}
    found = rollback.targets(model, stage=Stage.PRODUCTION)
    able = [row for row in found if not row.refusal and (version is None or row.version.pk == version.pk)]
    if not able or not rollback.there(model, stage=Stage.PRODUCTION).exists():
        return {"url": ""}
    number = able[0].version.number
    return {"url": f"{url}&version={number}" if version else url, "number": number}


@register.inclusion_tag("approvals/exceptional/_home.html", takes_context=True)
def unreviewed_bypasses(context: template.Context) -> dict[str, Any]:
    """Tell those who manage policies how many bypasses nobody has reviewed yet."""
    return {"number": queries.unreviewed_bypasses(context.get("user"))}


@register.filter
def lapses_at(asked: ApprovalRequest) -> datetime | None:
    """Return when an approval lapses unless it is certified anew."""
    return recertification.lapses_at(asked)


@register.filter
def recertification_standing(asked: ApprovalRequest) -> str:
    """Return "due", "overdue", "lapsed" or nothing."""
    return recertification.standing(asked, timezone.now())


def _lines(reviews: list[AfterReview], ending: list[ApprovalRequest], user: Any) -> dict[str, Any]:
    lines = [
        (row, _rollback_url(row.request.version.model, row.request.to_stage, row.request.alias, user))
        for row in reviews
    ]
    return {"reviews": lines, "ending": ending, "now": timezone.now()}


def _way(asked: ApprovalRequest, action: RequestAction, route: str, user: Any) -> Way | None:
    """Return where `action` is done, and why this person may not; None where the state has no such action."""
    row = TRANSITIONS[action]
    if asked.state not in row.sources:
        return None
    error: DomainError | None = refusal(row, asked, user)
    return Way(reverse(f"approvals:{route}", args=[asked.pk]), error.message if error else "")


def _rollback_url(model: RegisteredModel, stage: str, alias: str, user: Any) -> str:
    """Return where a place is rolled back; empty for who may not, and for a place that is not."""
    if (stage and stage not in rollback.PLACES) or not grants.allows(user, Permission.MODEL_DEPLOY, model):
        return ""
    where = {"alias": alias} if alias else {"stage": str(stage)}
    return f"{reverse('approvals:model-rollback', args=[model.reference])}?{urlencode(where)}"
