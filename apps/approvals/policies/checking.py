"""What a policy may say: each value within its bounds, and all of them together making sense."""

import math
import re
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from apps.accounts.assurance import SignWith
from apps.approvals import checks
from apps.approvals.drift.protected import ALIAS, RESERVED
from apps.approvals.models import ApprovalPolicy, PolicyRule, Scope, Staleness
from apps.approvals.policies.content import MAX_APPROVALS
from apps.approvals.texts import stage_from
from apps.errors import InvalidInput
from apps.texts import text_from

MAX_RULES = 10
MAX_CHECKS = 100
MAX_NAME = 100
MAX_SCOPE = 250
MAX_TOLERANCE = 1000  # percent
EXTERNAL = "external:"  # before the name of a check that a pipeline reports
EXTERNAL_NAME = re.compile(r"external:[a-z0-9][a-z0-9._-]{0,99}")
BOUNDS = {  # field → least, most, whether it may be left open
    "wait_minutes": (0, 43_200, False),
    "open_days": (1, 3650, True),
    "remind_days": (1, 3650, True),
    "approval_days": (1, 3650, True),
    "recertify_days": (1, 3650, True),
    "after_review_days": (1, 365, False),
}


def check(policy: ApprovalPolicy, rules: list[PolicyRule]) -> None:
    """Put the texts of a draft in order. Raises InvalidInput, naming the field at fault."""
    _check_scope(policy)
    _check_target(policy)
    policy.main_metric = _short(policy.main_metric, "main_metric")
    if policy.staleness not in Staleness.values:
        _refuse("staleness", _("Choose which votes fall when the evidence changes."))
    if policy.sign_with not in SignWith.values:
        _refuse("sign_with", _("Choose what signing asks for: %(choices)s.") % {"choices": ", ".join(SignWith.values)})
    for field, (least, most, may_be_open) in BOUNDS.items():
        _check_number(field, getattr(policy, field), least, most, may_be_open=may_be_open)
    tolerance = policy.tolerance_percent
    if not isinstance(tolerance, int | float) or not math.isfinite(tolerance) or not 0 <= tolerance <= MAX_TOLERANCE:
        _refuse("tolerance_percent", _("Give a number from 0 to %(most)s.") % {"most": MAX_TOLERANCE})
    policy.required_checks = _checked_names(policy.required_checks)
    policy.reason = text_from(policy.reason, field="reason")
    _check_rules(rules)


def rule_field(place: int, name: str) -> str:
    """Return how an error names a field of the rule at `place`, counted from 0."""
    return f"rules.{place}.{name}"


def _check_scope(policy: ApprovalPolicy) -> None:
    for field in ("risk", "tag_key", "tag_value"):
        setattr(policy, field, _short(getattr(policy, field), field))
    if policy.tag_value and not policy.tag_key:
        _refuse("tag_key", _("Name the tag that has this value, or leave the value empty."))
    named = [field for field in ("model", "risk", "tag_key") if getattr(policy, field)]
    if len(named) > 1:
        message = _("A policy is for one model, or for a risk tier, or for a tag. Keep one of them, empty the others.")
        _refuse(named[1], message)


def _check_target(policy: ApprovalPolicy) -> None:
    if policy.stage:
        stage_from(policy.stage, field="stage")
    for field in ("alias", "moves_alias"):
        setattr(policy, field, alias_from(getattr(policy, field), field))
    if policy.stage and policy.alias:
        _refuse("alias", _("A policy is for a stage or for an alias. Keep one of them, empty the other."))
    if policy.moves_alias and not policy.stage:
        _refuse("moves_alias", _("Only a stage can take an alias along. Choose a stage, or leave this empty."))
    if policy.revert_drift and policy.alias:
        _refuse("revert_drift", _("Only drift of a stage can be reverted at once. Leave this off for an alias."))


def alias_from(alias: str, field: str) -> str:
    """Return an alias without the @ before it; empty stays empty. Raises InvalidInput for one that MLflow refuses."""
    alias = alias.strip().removeprefix("@")
    if alias and (not ALIAS.fullmatch(alias) or RESERVED.fullmatch(alias)):
        _refuse(
            field,
            _("An alias has letters, digits, hyphens and underscores; “latest” and “v1” are MLflow's own words."),
        )
    return alias


def _check_rules(rules: list[PolicyRule]) -> None:
    if not rules:
        _refuse("rules", _("Add at least one rule: without one nobody could sign off."))
    if len(rules) > MAX_RULES:
        _refuse("rules", _("A policy has at most %(most)s rules.") % {"most": MAX_RULES})
    for place, rule in enumerate(rules):
        rule.name = _short(rule.name, rule_field(place, "name"), MAX_NAME)
        _check_number(rule_field(place, "needed"), rule.needed, 1, MAX_APPROVALS)
        if unknown := sorted(set(map(str, rule.scopes)) - set(Scope.values)):
            names = {"unknown": ", ".join(unknown), "known": ", ".join(Scope.values)}
            message = _("There is no part of the evidence called %(unknown)s. Use: %(known)s.") % names
            _refuse(rule_field(place, "scopes"), message)
        rule.scopes = [scope for scope in Scope.values if scope in rule.scopes]
        if rule.group and not Group.objects.filter(pk=rule.group.pk).exists():
            _refuse(rule_field(place, "group"), _("There is no such group any more. Choose another."))


def _checked_names(names: Iterable[str]) -> list[str]:
    """Return the names of required checks, ours in the order of their table, each once."""
    given, own = list(dict.fromkeys(names)), [row.name for row in checks.CHECKS]
    external = sorted(name for name in given if name not in own)
    if wrong := [name for name in external if not EXTERNAL_NAME.fullmatch(name)]:
        message = _(
            "There is no check called %(name)s. A check that a pipeline reports is written external:name, in small "
            "letters, digits, dots, hyphens and underscores."
        )
        _refuse("required_checks", message % {"name": wrong[0][:120]})
    if len(given) > MAX_CHECKS:
        _refuse("required_checks", _("A policy requires at most %(most)s checks.") % {"most": MAX_CHECKS})
    return [*(name for name in own if name in given), *external]


def _check_number(field: str, value: Any, least: int, most: int, *, may_be_open: bool = False) -> None:
    if value is None and may_be_open:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        _refuse(field, _("Give a whole number from %(least)s to %(most)s.") % {"least": least, "most": most})


def _short(text: str, field: str, most: int = MAX_SCOPE) -> str:
    text = text_from(text, field=field, needed=False)
    if len(text) > most:
        _refuse(field, _("This has more than %(most)s characters.") % {"most": most})
    return text


def _refuse(field: str, message: str) -> None:
    raise InvalidInput(message, field=field)
