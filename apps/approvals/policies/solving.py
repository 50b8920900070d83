"""Who could fill the rules of a policy, after exclusions: said before anybody waits for what cannot come."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals import eligibility, quorum
from apps.approvals.models import ApprovalPolicy, PolicyRule
from apps.registry.models import ModelVersion


@dataclass(frozen=True)
class Slot:
    """One rule and the people who could fill it."""

    rule: PolicyRule
    people: list[User]

    @property
    def name(self) -> str:
        """What the rule is called where seats are shown."""
        return rule_name(self.rule)

    @property
    def short(self) -> bool:
        """Whether fewer people could fill it than it needs."""
        return len(self.people) < self.rule.needed


@dataclass(frozen=True)
class Solution:
    """Who could fill each rule; `problem` is a sentence when the rules cannot all be filled, else empty."""

    slots: list[Slot]
    problem: str

    @property
    def solvable(self) -> bool:
        """Whether the rules would be filled if everybody who may vote approved."""
        return not self.problem


def who_could(policy: ApprovalPolicy, version: ModelVersion, requester: User | None) -> Solution:
    """Return who could sign `version` under `policy` if `requester` asked (None: somebody who signs nothing)."""
    requester_id = requester.pk if requester else 0
    demands = eligibility.demands_under(policy, version, requester_id=requester_id)
    keys = {key for row in demands for key in row.people}
    people = {person.pk: person for person in User.objects.filter(pk__in=keys).order_by("username")}
    rules = {rule.pk: rule for rule in policy.rules.select_related("group")}
    slots = [Slot(rules[row.rule], [person for key, person in people.items() if key in row.people]) for row in demands]
    return Solution(slots, problem_of(slots, demands, several=policy.several_rules))


def problem_of(slots: list[Slot], demands: list[quorum.Demand], *, several: bool) -> str:
    """Say why the rules cannot all be filled, naming the rule at fault; empty when they can."""
    if not slots:
        return _("The policy has no rule, so nobody can sign off. Ask an admin to replace it.")
    for slot in slots:
        if slot.short:
            return _short_sentence(slot)
    if quorum.solvable(demands, several=several):
        return ""
    names = ", ".join(dict.fromkeys(str(person) for slot in slots for person in slot.people))
    message = _(
        "The rules together need more people than there are: a person fills one rule only, and only %(people)s could "
        "sign. Ask an admin to add reviewers or to change the policy."
    )
    return message % {"people": names}


def rule_name(rule: PolicyRule) -> str:
    """Return a rule's own name, else its group's, else “Reviewers”."""
    return rule.name or (rule.group.name if rule.group else str(_("Reviewers")))


def _short_sentence(slot: Slot) -> str:
    names = {"rule": slot.name, "needed": slot.rule.needed, "people": ", ".join(str(person) for person in slot.people)}
    if not slot.people:
        text = _(
            "The rule “%(rule)s” needs %(needed)s, and nobody could fill it: its people lack the reviewer's duty on "
            "this model, or are excluded. Ask an admin to add reviewers or to change the policy."
        )
    else:
        text = _(
            "The rule “%(rule)s” needs %(needed)s people, and only these could fill it: %(people)s. Ask an admin to "
            "add reviewers or to change the policy."
        )
    return text % names
