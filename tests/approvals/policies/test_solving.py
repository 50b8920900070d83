import pytest
from django.contrib.auth.models import Group

from apps.accounts import grants
from apps.accounts.roles import REVIEWER
from apps.approvals.policies import drafting
from apps.approvals.policies.governing import outlook
from apps.approvals.policies.solving import who_could
from apps.registry.models import RegisteredModel
from tests.builders import make_model, make_policy, make_version


def group_of(name: str, *people) -> Group:
    group = Group.objects.create(name=name)
    for person in people:
        person.groups.add(group)
    return group


def names(slot) -> list[str]:
    return [person.get_username() for person in slot.people]


def test_each_rule_names_who_could_fill_it(version, alice, bob, erin):
    rules = make_policy(rules=[(1, group_of("risk", erin)), (1, None)])
    solution = who_could(rules, version, alice)
    assert ([names(slot) for slot in solution.slots], solution.solvable) == ([["erin"], ["bob", "erin"]], True)


def test_who_asks_could_not_sign(version, bob, erin):
    assert [names(slot) for slot in who_could(make_policy(), version, bob).slots] == [["erin"]]


def test_an_empty_group_is_named(version, alice, bob):
    solution = who_could(make_policy(group=group_of("risk")), version, alice)
    assert (solution.solvable, names(solution.slots[0])) == (False, [])
    assert solution.problem.startswith("The rule “risk” needs 1, and nobody could fill it:")


def test_a_group_whose_members_lack_the_duty_fills_nothing(version, alice, charlie):
    assert not who_could(make_policy(group=group_of("risk", charlie)), version, alice).solvable


def test_a_group_that_is_all_excluded_fills_nothing(version, alice, bob, erin):
    version.run = {"user": "bob"}
    version.tags = {"mlflow.user": "erin"}
    strict = make_policy(group=group_of("risk", bob, erin))
    assert not who_could(strict, version, alice).solvable
    lenient = make_policy("Staging", group=strict.rules.get().group, exclude_run_owner=False)
    assert names(who_could(lenient, version, alice).slots[0]) == ["bob"]


def test_a_rule_that_needs_more_people_than_there_are_names_those_there_are(version, alice, bob, erin):
    problem = who_could(make_policy(required_approvals=3), version, alice).problem
    assert problem.startswith("The rule “Reviewers” needs 3 people, and only these could fill it: Bob, Erin.")


def test_rules_that_need_the_same_person_cannot_all_be_filled(version, alice, erin):
    both = [(1, group_of("risk", erin)), (1, group_of("legal", erin))]
    problem = who_could(make_policy(rules=both), version, alice).problem
    assert problem.startswith("The rules together need more people than there are:")
    assert who_could(make_policy("Staging", rules=both, several_rules=True), version, alice).solvable


def test_the_outlook_counts_the_models_that_could_never_be_signed_off(draft, admin, bob, erin):
    make_version(make_model("free"), 1)
    for name in ("stuck", "held"):
        make_version(make_model(name), 1, run={"user": "erin"})
    found = outlook(draft, by=admin)
    assert (found.models, [row.version.model.name for row in found.unsolvable]) == (3, ["held", "stuck"])
    assert found.sentence == "2 of 3 models could never be signed off under this policy."
    assert names(found.slots[0]) == ["bob", "erin"]


def test_the_outlook_looks_at_the_newest_version(draft, admin, bob, erin):
    model = make_model()
    make_version(model, 1, run={"user": "erin"})
    make_version(model, 2, run={"user": "alice"})
    assert outlook(draft, by=admin).sentence == "The 1 model that it governs can be signed off."


def test_models_that_a_more_specific_policy_governs_are_not_counted(draft, admin, bob, erin):
    own = make_model("own")
    for model in (own, make_model("general")):
        make_version(model, 1)
    make_policy(model=own)
    assert outlook(draft, by=admin).models == 1


def test_a_policy_for_a_tag_counts_the_models_that_have_it(admin, bob):
    model = make_model("tagged")
    RegisteredModel.objects.filter(pk=model.pk).update(tags={"team": "risk"})
    for each in (model, make_model("plain")):
        make_version(each, 1)
    tagged = drafting.draft({"tag_key": "team", "reason": "Risk."}, [{"needed": 1}], by=admin)
    assert outlook(tagged, by=admin).models == 1


def test_a_duty_on_one_model_counts_there_alone(draft, admin, bob, mallory):
    own, other = make_model("own"), make_model("other")
    for model in (own, other):
        make_version(model, 1)
    group = group_of("friends", mallory)
    grants.set_role(group, [REVIEWER], own, model_class=RegisteredModel)
    assert [row.version.model.name for row in outlook(draft, by=admin).unsolvable] == ["other"]


def test_an_outlook_without_models_says_so(draft, admin):
    assert outlook(draft, by=admin).sentence == "No model with a version is governed by it now."


@pytest.mark.parametrize("rows", [1, 12])
def test_an_outlook_takes_as_many_queries_for_many_models_as_for_one(
    draft, admin, bob, erin, rows, django_assert_max_num_queries
):
    for number in range(rows):
        make_version(make_model(f"m{number}"), 1, run={"user": "erin"})
    with django_assert_max_num_queries(15):
        outlook(draft, by=admin)
