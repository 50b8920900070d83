import pytest

from apps.approvals import policies
from apps.approvals.models import ApprovalPolicy, PolicyRule
from apps.errors import RuleViolation
from tests.builders import THEN, make_policy

SCOPES = {
    "model": lambda model: {"model": model},
    "risk": lambda model: {"risk": "high"},
    "tag with value": lambda model: {"tag_key": "team", "tag_value": "retention"},
    "tag": lambda model: {"tag_key": "task"},
    "all models": lambda model: {},
}


@pytest.fixture
def tagged(version):
    """A version of a model with a risk tier and tags."""
    version.model.tags = {"risk_tier": "high", "team": "retention", "task": "classification"}
    version.model.risk = "high"
    version.model.save()
    return version


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("model", "risk"), ("risk", "tag with value"), ("tag with value", "tag"), ("tag", "all models"),
        ("model", "all models"), ("risk", "all models"),
    ],
)  # fmt: skip
def test_the_more_specific_policy_governs(tagged, better, worse):
    make_policy(**SCOPES[worse](tagged.model))
    specific = make_policy(**SCOPES[better](tagged.model))
    assert policies.policy_for(tagged, stage="Production") == specific


@pytest.mark.parametrize("scope", SCOPES)
def test_inside_a_scope_its_own_target_goes_before_any_target(tagged, scope):
    make_policy("", **SCOPES[scope](tagged.model))
    own = make_policy("Production", **SCOPES[scope](tagged.model))
    assert policies.policy_for(tagged, stage="Production") == own


@pytest.mark.parametrize(("better", "worse"), [("model", "risk"), ("risk", "tag"), ("tag", "all models")])
def test_a_specific_scope_with_any_target_goes_before_a_wider_one_with_its_own(tagged, better, worse):
    make_policy("Production", **SCOPES[worse](tagged.model))
    specific = make_policy("", **SCOPES[better](tagged.model))
    assert policies.policy_for(tagged, stage="Production") == specific


@pytest.mark.parametrize(
    "scope",
    [{"risk": "low"}, {"tag_key": "team", "tag_value": "fraud"}, {"tag_key": "owner"}],
    ids=["another tier", "another value", "another tag"],
)
def test_a_scope_that_does_not_fit_governs_nothing(tagged, scope):
    make_policy(**scope)
    with pytest.raises(RuleViolation, match="No policy says who signs off Production"):
        policies.policy_for(tagged, stage="Production")


@pytest.mark.parametrize("risk", ["HIGH", " High "])
def test_case_makes_no_difference_to_a_risk_tier(tagged, risk):
    tagged.model.risk = risk
    governing = make_policy(risk="high")
    assert policies.policy_for(tagged, stage="Production") == governing


def test_an_alias_has_its_own_policy(version, policy):
    champion = make_policy("", alias="champion")
    assert policies.policy_for(version, alias="champion") == champion
    assert policies.policy_for(version, "Production") == policy


def test_an_alias_without_a_policy_is_governed_by_the_one_for_any_target(version):
    anything = make_policy("")
    assert policies.policy_for(version, alias="champion") == anything


def test_an_alias_that_nothing_governs_is_closed(version, policy):
    with pytest.raises(RuleViolation, match="No policy says who signs off @champion") as caught:
        policies.policy_for(version, alias="champion")
    assert caught.value.field == "alias"


@pytest.mark.parametrize("state", ["draft", "retired"])
def test_only_what_is_published_governs(version, state):
    times = {"draft": {"published_at": None}, "retired": {"retired_at": THEN}}
    make_policy(state=state, **times[state])
    with pytest.raises(RuleViolation, match="No policy"):
        policies.policy_for(version, stage="Production")
    assert policies.in_force(version.model_id, "Production") is None


def test_two_tags_that_fit_equally_well_close_the_target_and_are_named(tagged):
    one, other = make_policy(tag_key="team"), make_policy(tag_key="task")
    with pytest.raises(RuleViolation) as caught:
        policies.policy_for(tagged, stage="Production")
    assert caught.value.message == (
        f"Two policies for Production fit churn equally well: “tag team” ({one.pk}) and “tag task” ({other.pk}), so "
        "nothing can move there. Ask an admin to publish one for this model alone."
    )
    assert policies.in_force(tagged.model_id, "Production") is None


def test_two_tags_that_fit_do_no_harm_where_the_model_has_its_own(tagged):
    make_policy(tag_key="team")
    make_policy(tag_key="task")
    own = make_policy(model=tagged.model)
    assert policies.policy_for(tagged, stage="Production") == own


def test_a_policy_without_a_rule_closes_the_target(version):
    ApprovalPolicy.objects.create(stage="Production", state="published", published_at=THEN)
    assert PolicyRule.objects.count() == 0
    with pytest.raises(RuleViolation, match="has no rule, so nobody could sign off"):
        policies.policy_for(version, stage="Production")


def test_the_present_policy_of_a_request_is_the_newest(asked, policy):
    ApprovalPolicy.objects.filter(pk=policy.pk).update(state="retired", retired_at=THEN)
    newest = make_policy(revision=2)
    assert (policies.present_for(asked), asked.policy) == (newest, policy)


def test_selecting_takes_two_queries_however_many_policies_there_are(tagged, django_assert_num_queries):
    for number in range(20):
        make_policy(risk=f"tier {number}")
    make_policy()
    with django_assert_num_queries(2):
        policies.policy_for(tagged, stage="Production")
