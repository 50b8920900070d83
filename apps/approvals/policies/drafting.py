"""Drafts of policies: made, edited, discarded. A draft governs nothing until somebody else publishes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals.models import ApprovalPolicy, PolicyRule, PolicyState
from apps.approvals.policies import checking, content
from apps.approvals.policies.managing import managing, must_see, name_of
from apps.approvals.policies.selecting import scope_words, target_words
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, InvalidInput, NotVisible, WrongState
from apps.texts import text_from

SETTABLE = ("model", "reason", *content.FIELDS)
RULE_FIELDS = ("name", "needed", "group", "scopes")
Rules = Sequence[Mapping[str, Any]]  # each with some of RULE_FIELDS; `group` a Group or None


def draft(
    values: Mapping[str, Any], rules: Rules, *, by: User | None, replaces: ApprovalPolicy | None = None
) -> ApprovalPolicy:
    """Draft a policy. `values` are some of SETTABLE, the others as the columns propose; `replaces`: its model.

    Raises NotAllowed without `policy:manage`, NotVisible for a model that `by` may not see, and InvalidInput (the field
    at fault; of a rule “rules.0.needed”).
    """
    with managing(Action.POLICY_DRAFTED, Target("policy", str(_("a draft"))), by=by) as trial:
        policy = ApprovalPolicy(replaces=replaces)
        _fill(policy, values, by)
        rows = _rows(rules)
        checking.check(policy, rows)
        _save(policy, rows, by)
        trial.target = target_of(policy)
        trial.done(reason=policy.reason, after=content.terms(policy))
    return policy


def edit(
    policy_id: int, values: Mapping[str, Any], rules: Rules | None = None, *, by: User | None, digest: str = ""
) -> ApprovalPolicy:
    """Change a draft: some of SETTABLE, and its rules (None: they stay). Whoever edits it cannot be who publishes it.

    With a `digest` (content.digest), the one that was read, nothing is overwritten unseen. Raises NotVisible,
    NotAllowed, WrongState (it is no draft), Conflict (it changed meanwhile) and InvalidInput.
    """
    with managing(Action.POLICY_DRAFTED, Target("policy", f"policy {policy_id}"), by=by) as trial:
        policy = locked_draft(policy_id, by, digest)
        trial.target, before = target_of(policy), content.terms(policy)
        _fill(policy, values, by)
        rows = _rows(rules) if rules is not None else list(policy.rules.select_related("group"))
        checking.check(policy, rows)
        _save(policy, rows, by)
        trial.target = target_of(policy)
        trial.done(reason=policy.reason, before=before, after=content.terms(policy))
    return policy


def discard(policy_id: int, *, by: User | None, reason: str = "") -> None:
    """Throw a draft away; what it said stays in the trail. Raises NotVisible, NotAllowed, WrongState."""
    with managing(Action.POLICY_DISCARDED, Target("policy", f"policy {policy_id}"), by=by) as trial:
        policy = locked_draft(policy_id, by)
        trial.target, before = target_of(policy), content.terms(policy)
        policy.delete()
        trial.done(reason=text_from(reason, field="reason", needed=False), before=before)


def found(policy_id: int, by: User | None) -> ApprovalPolicy:
    """Return a policy that the person may see. Raises NotVisible: for a policy of a hidden model too."""
    policies = ApprovalPolicy.objects.select_related("model")
    policy = policies.filter(pk=policy_id).first() if 0 < policy_id < 2**63 else None
    if policy is None:
        raise NotVisible(_("There is no policy %(number)s, or you may not see it.") % {"number": policy_id})
    must_see(policy.model, by)
    return policy


def locked_draft(policy_id: int, by: User | None, digest: str = "") -> ApprovalPolicy:
    """Lock a draft for a change. Raises NotVisible, WrongState when it is published, Conflict for an old digest."""
    found(policy_id, by)
    policy = (
        ApprovalPolicy.objects.select_for_update(of=("self",), no_key=True)
        .select_related("model")
        .filter(pk=policy_id)
        .first()
    )
    if policy is None:
        raise NotVisible(_("There is no policy %(number)s, or you may not see it.") % {"number": policy_id})
    if policy.state != PolicyState.DRAFT:
        message = _("Policy %(number)s is published, and a published policy never changes. Draft another from it.")
        raise WrongState(message % {"number": policy.pk})
    if digest and digest != content.digest(policy):
        message = _("Somebody changed this draft since you opened it. Nothing was done: read it again, then decide.")
        raise Conflict(message)
    return policy


def target_of(policy: ApprovalPolicy) -> Target:
    """Return a policy as the trail names it: "Production policy for churn"."""
    return Target("policy", _name(policy), policy.model_id)


def _name(policy: ApprovalPolicy) -> str:
    target = target_words(policy) if policy.stage or policy.alias else _("Any target's")
    name = _("%(target)s policy") % {"target": target}
    scoped = policy.model_id or policy.risk or policy.tag_key
    return _("%(policy)s for %(scope)s") % {"policy": name, "scope": scope_words(policy)} if scoped else name


def _fill(policy: ApprovalPolicy, values: Mapping[str, Any], by: User | None) -> None:
    if unknown := sorted(set(values) - set(SETTABLE)):
        raise InvalidInput(_("A policy has no field %(field)s.") % {"field": unknown[0]}, field=unknown[0])
    must_see(values.get("model"), by)
    for name, value in values.items():
        setattr(policy, name, value)


def _rows(rules: Rules) -> list[PolicyRule]:
    return [PolicyRule(**{name: rule[name] for name in RULE_FIELDS if name in rule}) for rule in rules]


def _save(policy: ApprovalPolicy, rows: list[PolicyRule], by: User | None) -> None:
    policy.drafted_by, policy.drafted_at = name_of(by), timezone.now()
    with transaction.atomic():
        policy.save()
        policy.rules.all().delete()
        for place, row in enumerate(rows):
            row.pk, row.policy, row.position = None, policy, place
        PolicyRule.objects.bulk_create(rows)
