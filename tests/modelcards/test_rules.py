import pytest

from apps.modelcards import rules
from apps.modelcards.content import Content
from apps.modelcards.rules import Standing
from apps.modelcards.schema.fields import BY_NAME

CONFIRMED = {"state": "confirmed", "by": "alice", "at": "2026-05-04"}


def standing(field: str, value, state=None) -> str:
    return rules.standings(Content({field: value}, {field: state or CONFIRMED}))[field]


@pytest.mark.parametrize(
    "text", ["TBD", "-", "[More Information Needed]", "short", "...", "  N/A. ", "未定", "**TODO**"]
)
def test_a_placeholder_counts_as_empty(text):
    assert standing("intended_use", text) == Standing.PLACEHOLDER


@pytest.mark.parametrize("text", ["Helps to choose whom to call.", "融資判断の補助ツール"])
def test_a_sentence_counts_in_any_language(text):
    assert standing("intended_use", text) == Standing.SETTLED


def test_the_same_text_in_two_fields_counts_once():
    text = "We look at it once a month."
    found = rules.standings(
        Content(
            {"human_oversight": text, "monitoring_plan": text},
            {"human_oversight": CONFIRMED, "monitoring_plan": CONFIRMED},
        )
    )
    assert (found["human_oversight"], found["monitoring_plan"]) == (Standing.SETTLED, Standing.PLACEHOLDER)


def test_a_list_of_placeholders_is_a_placeholder():
    assert standing("limitations", ["TBD", "-"]) == Standing.PLACEHOLDER


def test_a_fact_as_mlflow_has_it_needs_no_confirmation():
    assert standing("hyperparameters", {"depth": "3"}, {"state": "prefilled", "source": "run"}) == Standing.SETTLED


def test_a_suggestion_needs_confirmation():
    assert standing("authors", [{"name": "alice"}], {"state": "prefilled", "source": "run"}) == Standing.UNCONFIRMED


def test_an_override_needs_confirmation():
    state = {"state": "edited", "override": {"reason": "Logged wrongly.", "fact": {"depth": "3"}}}
    assert standing("hyperparameters", {"depth": "9"}, state) == Standing.UNCONFIRMED


def test_not_applicable_counts_once_a_person_of_this_version_said_so():
    said = {"state": "not_applicable", "reason": "No people in the data."}
    carried = rules.standings(Content({}, {"fairness": said}))["fairness"]
    now = rules.standings(Content({}, {"fairness": said | {"by": "alice"}}))["fairness"]
    assert (carried, now) == (Standing.UNCONFIRMED, Standing.SETTLED)


def test_staging_asks_less_than_production_and_a_low_tier_less_than_a_high_one():
    asked = {
        (tier, stage): {field.name for field in rules.required(rules.built_in(), stage, tier)}
        for tier in ("low", "medium", "high")
        for stage in rules.STAGES
    }
    assert asked["low", "Staging"] < asked["low", "Production"] < asked["high", "Production"]
    assert asked["low", "Staging"] < asked["medium", "Staging"] < asked["high", "Staging"]


def test_an_alias_asks_as_production():
    assert rules.required(rules.built_in(), "", "low") == rules.required(rules.built_in(), "Production", "low")


@pytest.mark.parametrize(("risk", "tier"), [("Low", "low"), (" HIGH ", "high"), ("", "high"), ("unheard of", "high")])
def test_a_model_without_a_known_tier_is_judged_as_high(risk, tier):
    assert rules.tier_of(risk) == tier


def test_the_percentage_reaches_a_hundred_only_when_nothing_is_missing():
    wanted = [BY_NAME["users"], BY_NAME["intended_use"], BY_NAME["license"]]
    settled = {"users": "settled", "intended_use": "settled", "license": "unconfirmed"}
    assert rules.percent(settled, wanted) == 83
    assert rules.percent({**settled, "license": "settled"}, wanted) == 100
    assert [field.name for field, _how in rules.missing(settled, wanted)] == ["license"]


@pytest.mark.parametrize(
    "levels", [[], {"colour": {}}, {"users": {"low": "X"}}, {"users": {"huge": "S"}}, {"users": 1}]
)
def test_levels_that_are_none_are_refused(levels):
    with pytest.raises(ValueError):  # noqa: PT011 - the field is all that it says
        rules.check_levels(levels)
