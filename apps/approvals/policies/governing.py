"""Whether a policy could ever be met by the models that it governs, all of them at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import F, QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import quorum
from apps.approvals.models import ApprovalPolicy
from apps.approvals.policies.batches import excluded_from, members_of
from apps.approvals.policies.selecting import choose, published, same_scope
from apps.approvals.policies.solving import Slot, problem_of
from apps.registry.models import ModelVersion, RegisteredModel
from apps.registry.queries import visible_models


@dataclass(frozen=True)
class Unsolvable:
    """A model whose newest version nobody could sign off, and why."""

    version: ModelVersion
    problem: str


@dataclass(frozen=True)
class Outlook:
    """Who could sign under a policy, over the newest version of each model that it governs."""

    models: int
    unsolvable: list[Unsolvable]
    slots: list[Slot]  # the people who could fill each rule on at least one model

    @property
    def sentence(self) -> str:
        """The outlook in a sentence."""
        if not self.models:
            return _("No model with a version is governed by it now.")
        names = {"blocked": len(self.unsolvable), "total": self.models}
        if not self.unsolvable:
            text = ngettext(
                "The %(total)s model that it governs can be signed off.",
                "All %(total)s models that it governs can be signed off.",
                self.models,
            )
            return text % names
        text = ngettext(
            "%(blocked)s of %(total)s model could never be signed off under this policy.",
            "%(blocked)s of %(total)s models could never be signed off under this policy.",
            self.models,
        )
        return text % names


def outlook(policy: ApprovalPolicy, *, by: User) -> Outlook:
    """Return who could sign what `policy` would govern, on the models that `by` may see.

    The newest version of each model stands for the next one, and nobody among the signers asks. The number of queries
    does not depend on the number of models.
    """
    prefetch_related_objects([policy], "rules__group")
    versions = _newest_versions(policy, by)
    rules = list(policy.rules.all())
    able = _able(versions)
    barred = excluded_from(policy, versions)
    members = members_of(rules)
    names = dict(User.objects.filter(is_active=True).values_list("username", "pk")) if any(barred.values()) else {}
    unsolvable: list[Unsolvable] = []
    seen: dict[int, set[int]] = {rule.pk: set() for rule in rules}
    wanting: list[tuple[ModelVersion, list[quorum.Demand]]] = []
    for version in versions:
        people = able[version.model_id] - {names[name] for name in barred[version.pk] if name in names}
        demands = [
            quorum.Demand(rule.pk, rule.needed, people & members[rule.group_id] if rule.group_id else people)
            for rule in rules
        ]
        for row in demands:
            seen[row.rule] |= row.people
        if not quorum.solvable(demands, several=policy.several_rules):
            wanting.append((version, demands))
    people_by_key = User.objects.in_bulk({key for keys in seen.values() for key in keys})
    for version, demands in wanting:
        slots = [Slot(rule, _named(row.people, people_by_key)) for rule, row in zip(rules, demands, strict=True)]
        unsolvable.append(Unsolvable(version, problem_of(slots, demands, several=policy.several_rules)))
    return Outlook(len(versions), unsolvable, [Slot(rule, _named(seen[rule.pk], people_by_key)) for rule in rules])


def governed_models(policy: ApprovalPolicy, models: QuerySet[RegisteredModel]) -> list[RegisteredModel]:
    """Return those models that `policy` would govern on their way to its target, beside the others in force."""
    others = [row for row in published() if row.pk != policy.pk and not same_scope(row, policy)]
    if policy.model_id:
        models = models.filter(pk=policy.model_id)
    wanted = models.filter(deleted_at=None).select_related("connection").order_by("name", "pk")
    return [model for model in wanted if choose([*others, policy], model, *_target(policy)).policy == policy]


def _target(policy: ApprovalPolicy) -> tuple[str, str]:
    """Return the stage and alias to try a policy with; of one for any target, a target that no other names."""
    return (policy.stage, policy.alias) if policy.stage or policy.alias else ("", "\0")


def _newest_versions(policy: ApprovalPolicy, by: User) -> list[ModelVersion]:
    keys = [model.pk for model in governed_models(policy, visible_models(by))]
    newest = ModelVersion.objects.filter(model__newest_number=F("number"), deleted_at=None, model__in=keys)
    kept = ("number", "tags", "run", "model__name", "model__connection")
    return list(newest.select_related("model__connection").only(*kept).order_by("model__name", "pk"))


def _able(versions: list[ModelVersion]) -> Mapping[int, frozenset[int]]:
    """Return for each model who holds the reviewer's duty and may read it."""
    models = RegisteredModel.objects.filter(pk__in={version.model_id for version in versions})
    duty, read = (grants.holders_on(each, models) for each in (Permission.MODEL_REVIEW, Permission.MODEL_READ))
    return {key: people & read[key] for key, people in duty.items()}


def _named(keys: set[int] | frozenset[int], people: Mapping[int, User]) -> list[User]:
    return sorted((people[key] for key in keys if key in people), key=lambda person: person.get_username())
