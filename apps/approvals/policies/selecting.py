"""Which policy governs a move: the most specific one. Where that is not clear, nothing moves."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from apps.approvals.models import ApprovalPolicy, ApprovalRequest, PolicyRule, PolicyState
from apps.errors import RuleViolation
from apps.registry.models import ModelVersion, RegisteredModel

SCOPE = ("model", "risk", "tag_key", "tag_value", "stage", "alias")  # of these one policy is in force at a time


@dataclass(frozen=True)
class Selection:
    """The policy that governs a move, or why none does: `problem` is a sentence, empty when there is a policy."""

    policy: ApprovalPolicy | None
    problem: str = ""


def policy_for(version: ModelVersion, stage: str = "", *, alias: str = "") -> ApprovalPolicy:
    """Return the policy that governs moving `version` to `stage`, or pointing `alias` to it.

    The model's own goes before its risk tier's, that before a tag's, that before the one for all models; inside each,
    the one for this target before the one for any target. Raises RuleViolation, naming the reason, when there is none,
    when two fit equally well, and when the policy has no rule: a target that nobody has a rule for is closed.
    """
    found = select(version.model, stage=stage, alias=alias)
    if found.policy is None:
        raise RuleViolation(found.problem, field="alias" if alias else "to_stage")
    return found.policy


def present_for(request: ApprovalRequest) -> ApprovalPolicy:
    """Return the policy that a request would follow if it were made now. Raises RuleViolation as `policy_for`."""
    return policy_for(request.version, stage=request.to_stage, alias=request.alias)


def in_force(model_id: int, stage: str = "", *, alias: str = "") -> ApprovalPolicy | None:
    """Return the policy of a target for this model; None when there is none, or none that is clear."""
    return select(RegisteredModel.objects.get(pk=model_id), stage=stage, alias=alias).policy


def select(model: RegisteredModel, *, stage: str = "", alias: str = "") -> Selection:
    """Return which published policy governs a target of this model. One query, one more for rules."""
    return choose(published(stage=stage, alias=alias).filter(Q(model=None) | Q(model=model)), model, stage, alias)


def published(*, stage: str = "", alias: str = "") -> QuerySet[ApprovalPolicy]:
    """Return the policies in force that could govern a target, with their rules; of every target when none is named."""
    rules = Prefetch("rules", PolicyRule.objects.select_related("group"))
    found = ApprovalPolicy.objects.filter(state=PolicyState.PUBLISHED).select_related("model").prefetch_related(rules)
    if stage or alias:
        found = found.filter(Q(stage=stage, alias=alias) | Q(stage="", alias=""))
    return found.order_by("id")


def choose(candidates: Iterable[ApprovalPolicy], model: RegisteredModel, stage: str, alias: str) -> Selection:
    """Return the most specific of `candidates` for a target of this model. Pure: reads nothing but its arguments."""
    target = f"@{alias}" if alias else stage
    fitting = [row for row in candidates if covers(row, model) and aims_at(row, stage, alias)]
    if not fitting:
        message = _("No policy says who signs off %(stage)s, so nothing can move there. Ask an admin to publish one.")
        return Selection(None, message % {"stage": target})
    best = max(specificity(row) for row in fitting)
    first, *others = [row for row in fitting if specificity(row) == best]
    if others:
        message = _(
            "Two policies for %(stage)s fit %(model)s equally well: “%(one)s” (%(one_id)s) and “%(other)s” "
            "(%(other_id)s), so nothing can move there. Ask an admin to publish one for this model alone."
        )
        names = {"one": scope_words(first), "other": scope_words(others[0])}
        numbers = {"one_id": first.pk, "other_id": others[0].pk}
        return Selection(None, message % {"stage": target, "model": model, **names, **numbers})
    if not first.rules.all():
        message = _(
            "Policy %(number)s for %(stage)s has no rule, so nobody could sign off. Ask an admin to replace it."
        )
        return Selection(None, message % {"number": first.pk, "stage": target})
    return Selection(first)


def covers(policy: ApprovalPolicy, model: RegisteredModel) -> bool:
    """Return whether a policy's scope takes in this model. Case makes no difference to a tier or a tag's value."""
    if policy.model_id:
        return policy.model_id == model.pk
    if policy.risk:
        return _same(policy.risk, model.risk)
    if policy.tag_key:
        tags = model.tags or {}
        return policy.tag_key in tags and (not policy.tag_value or _same(policy.tag_value, tags[policy.tag_key]))
    return True


def aims_at(policy: ApprovalPolicy, stage: str, alias: str) -> bool:
    """Return whether a policy is for this target, or for any."""
    return (policy.stage, policy.alias) in ((stage, alias), ("", ""))


def specificity(policy: ApprovalPolicy) -> tuple[int, bool, bool]:
    """Return how specific a policy is, to compare: its scope, then its target, then whether a tag's value is named."""
    level = 3 if policy.model_id else 2 if policy.risk else 1 if policy.tag_key else 0
    return level, bool(policy.stage or policy.alias), bool(policy.tag_value)


def same_scope(one: ApprovalPolicy, other: ApprovalPolicy) -> bool:
    """Return whether one of the two would take the other's place: the same models on their way to the same target."""
    return all(getattr(one, name) == getattr(other, name) for name in SCOPE)


def scope_words(policy: ApprovalPolicy) -> str:
    """Say which models a policy is for."""
    if policy.model:
        return str(policy.model.reference)
    if policy.risk:
        return _("risk tier %(risk)s") % {"risk": policy.risk}
    if policy.tag_key:
        tag = f"{policy.tag_key}={policy.tag_value}" if policy.tag_value else policy.tag_key
        return _("tag %(tag)s") % {"tag": tag}
    return _("all models")


def target_words(policy: ApprovalPolicy) -> str:
    """Say what a policy governs: a stage, an alias or any target."""
    if policy.alias:
        return f"@{policy.alias}"
    return str(policy.get_stage_display()) if policy.stage else _("any target")


def _same(one: object, other: object) -> bool:
    return str(one).strip().casefold() == str(other).strip().casefold()
