"""Where a version can be asked to go: what the policy of each target demands, who could sign, and what is there now."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from apps.approvals import checks, findings
from apps.approvals.checks import CheckResult, Outcome
from apps.approvals.drift.queries import protected_aliases
from apps.approvals.findings import SERVED, in_stage
from apps.approvals.forms import STAGE_ORDER
from apps.approvals.models import ApprovalPolicy
from apps.approvals.policies.selecting import choose, published
from apps.approvals.policies.solving import Slot, Solution, who_could
from apps.registry import directions
from apps.registry.comparing import compare
from apps.registry.models import ModelAlias, ModelVersion, Stage

MISSED = (Outcome.FAIL, Outcome.ERROR, Outcome.PENDING)


@dataclass(frozen=True)
class Option:
    """A target; `problem` says why nothing can move there now, empty when it can."""

    value: str  # "Production" or "@champion", as the form sends it
    label: str
    stage: str
    policy: ApprovalPolicy | None
    problem: str
    slots: list[Slot] = field(default_factory=list)
    occupants: list[ModelVersion] = field(default_factory=list)


def options(version: ModelVersion, user: Any) -> list[Option]:
    """Return every stage but the version's own, Production first, then the protected aliases that are elsewhere."""
    return _Options(version, user).all()


class _Options:
    """What all targets of a version share is read once: the policies in force, the aliases, who could sign."""

    def __init__(self, version: ModelVersion, user: Any) -> None:
        self.version, self.user = version, user
        self.policies = list(published().filter(Q(model=None) | Q(model=version.model)))
        aliases = ModelAlias.objects.filter(model=version.model_id).select_related("version__model")
        self.pointed = {row.alias: row.version for row in aliases}
        self.solutions: dict[int, Solution] = {}

    def all(self) -> list[Option]:
        stages = [stage for stage in STAGE_ORDER if stage != self.version.stage]
        aliases = [row.alias for row in protected_aliases() if self.pointed.get(row.alias) != self.version]
        return [*(self.option(stage=stage) for stage in stages), *(self.option(alias=alias) for alias in aliases)]

    def option(self, *, stage: str = "", alias: str = "") -> Option:
        value = f"@{alias}" if alias else str(stage)
        label = value if alias else str(Stage(stage).label)
        selection = choose(self.policies, self.version.model, stage, alias)
        if selection.policy is None:
            return Option(value, label, str(stage), None, selection.problem)
        found, there = self.solution(selection.policy), self.there(stage, alias)
        return Option(value, label, str(stage), selection.policy, found.problem, found.slots, there)

    def solution(self, policy: ApprovalPolicy) -> Solution:
        if policy.pk not in self.solutions:
            self.solutions[policy.pk] = who_could(policy, self.version, self.user)
        return self.solutions[policy.pk]

    def there(self, stage: str, alias: str) -> list[ModelVersion]:
        """Return the versions that the move would take the place of."""
        if alias:
            return [self.pointed[alias]] if alias in self.pointed else []
        return list(in_stage(self.version, stage)) if stage in SERVED else []


def preview(version: ModelVersion, chosen: Option) -> dict[str, Any]:
    """Return what a reviewer will see first: the comparison, and the checks that do not pass, required ones first."""
    alias = chosen.value.removeprefix("@") if chosen.value.startswith("@") else ""
    base = findings.base_version(version, chosen.stage, alias)
    results = checks.results(checks.subject(version, chosen.stage, policy=chosen.policy))
    gaps = [result for result in results if result.outcome in MISSED]
    return {
        "base": base,
        "comparison": compare(base, version, directions=directions.load()) if base else None,
        "gaps": sorted(gaps, key=_advisory),
        "passed": sum(result.outcome == Outcome.PASS for result in results),
        "applicable": sum(result.outcome != Outcome.NOT_APPLICABLE for result in results),
    }


def _advisory(result: CheckResult) -> bool:
    return not result.required
