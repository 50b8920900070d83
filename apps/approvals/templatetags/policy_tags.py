"""How pages name policies and freezes, and where freezes are told of."""

from typing import Any

from django import template
from django.utils import timezone

from apps.approvals.models import ApprovalPolicy, ApprovalRequest, FreezeWindow, Scope
from apps.approvals.policies import freezes, sentences
from apps.approvals.policies.freeze_calendar import ends
from apps.approvals.policies.selecting import scope_words, target_words
from apps.approvals.policies.solving import rule_name
from apps.registry.marks import actor_words

register = template.Library()
for written in (scope_words, target_words, rule_name, actor_words):
    register.filter(written)
register.filter("demands", sentences.demands)
register.filter("rule_sentence", sentences.rule_sentence)
register.filter("freeze_end", ends)


@register.filter
def scopes_in_words(scopes: list[str]) -> str:
    """Say what a rule's people look at; empty when it is everything."""
    return ", ".join(str(Scope(scope).label) for scope in scopes if scope in Scope.values)


@register.filter
def is_over(freeze: FreezeWindow) -> bool:
    """Return whether a freeze has ended or was lifted."""
    return ends(freeze) <= timezone.now()


@register.filter
def holds_now(freeze: FreezeWindow) -> bool:
    """Return whether a freeze holds at this moment."""
    return freeze.starts_at <= timezone.now() < ends(freeze)


@register.inclusion_tag("approvals/freezes/_holding.html")
def freeze_notice(asked: ApprovalRequest) -> dict[str, Any]:
    """Say which freeze holds a request back now, and until when; nothing when none does."""
    return {"freeze": freezes.holding(asked, timezone.now())}


@register.filter
def state_tone(policy: ApprovalPolicy) -> str:
    """Return the tone of a policy's state, for its chip."""
    return {"published": "success", "draft": "info"}.get(policy.state, "neutral")
