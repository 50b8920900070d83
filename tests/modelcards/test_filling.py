import pytest

from apps.modelcards import facts, filling, rules
from apps.modelcards.content import CardRefused, Content, State
from apps.modelcards.filling import Edit
from tests.builders import make_version

BY = {"by": "alice", "at": "2026-05-04T12:00:00+00:00"}


@pytest.fixture
def known(version):
    return facts.facts_of(version)


@pytest.fixture
def started(known):
    return filling.started(known)


def edited(content, known, **said) -> Content:
    confirm = frozenset(said.pop("confirm", ()))
    return filling.edited(content, Edit(confirm=confirm, **said), known, **BY)


def test_a_new_card_says_what_mlflow_knows(started):
    assert started.values["model_name"] == "churn"
    assert started.values["hyperparameters"] == {"depth": "3"}
    assert started.values["performance_metrics"] == [
        {"name": "accuracy", "value": "0.9", "run_id": "run1", "direction": "higher"}
    ]
    assert started.values["training_data"] == [{"name": "may", "digest": "d1"}]
    assert started.values["inputs"] == [{"name": "age", "type": "long", "required": "yes"}]
    assert started.states["performance_metrics"]["source"] == "run"
    assert started.values["authors"] == [{"name": "alice"}]


def test_metrics_that_are_no_numbers_are_kept_as_text(version):
    version.metrics = {"loss": float("nan"), "f1": float("inf")}
    rows = facts.facts_of(version)["performance_metrics"].value
    assert [row["value"] for row in rows] == ["Infinity", "NaN"]


def test_a_version_of_which_nothing_is_known_still_has_a_card(version):
    bare = make_version(version.model, 7, run={}, params={}, metrics={}, datasets=[], signature=None, requirements=None,
                        mlmodel={}, run_id="")  # fmt: skip
    assert set(filling.started(facts.facts_of(bare)).values) == {"model_name", "version", "date"}


def test_a_fact_is_not_changed_without_a_reason(started, known):
    with pytest.raises(CardRefused) as refused:
        edited(started, known, values={"version": "2.1.0"})
    assert list(refused.value.errors) == ["version"]


def test_an_override_keeps_both_values_and_the_reason(started, known):
    card = edited(started, known, values={"version": "2.1.0"}, overrides={"version": "Our own numbering."})
    assert card.values["version"] == "2.1.0"
    assert card.states["version"]["override"] == {"reason": "Our own numbering.", "fact": "1", **BY}


def test_saying_again_what_mlflow_says_ends_an_override(started, known):
    card = edited(started, known, values={"version": "2.1.0"}, overrides={"version": "Our own numbering."})
    assert edited(card, known, values={"version": "1"}) == started


def test_people_add_to_a_fact_without_a_reason(started, known):
    row = {**started.values["performance_metrics"][0], "threshold": "0.85"}
    slice_ = {"name": "accuracy", "value": "0.81", "slice": "under 25"}
    card = edited(started, known, values={"performance_metrics": [row, slice_]})
    assert card.values["performance_metrics"] == [row, slice_]
    assert card.state("performance_metrics") == State.EDITED


def test_people_add_the_parts_of_a_fact_that_mlflow_does_not_know(started, known):
    card = edited(started, known, values={"code": {**started.values["code"], "repository": "git.example.org/churn"}})
    assert card.values["code"]["repository"] == "git.example.org/churn"
    with pytest.raises(CardRefused):
        edited(started, known, values={"code": {**started.values["code"], "commit": "another"}})


def test_a_metric_of_the_run_cannot_be_left_out_silently(started, known):
    with pytest.raises(CardRefused) as refused:
        edited(started, known, values={"performance_metrics": [{"name": "f1", "value": "1.0"}]})
    assert list(refused.value.errors) == ["performance_metrics"]


def test_a_fact_that_changed_takes_its_confirmation_along(version, started, known):
    card = edited(started, known, confirm={"hyperparameters"})
    version.params = {"depth": "4"}
    after = filling.refreshed(card, facts.facts_of(version))
    assert after.values["hyperparameters"] == {"depth": "4"}
    assert after.state("hyperparameters") == State.PREFILLED


def test_taking_facts_anew_changes_nothing_while_mlflow_says_the_same(started, known):
    assert filling.refreshed(started, known) == started


def test_what_people_added_stays_when_a_fact_changes(version, started, known):
    row = {**started.values["performance_metrics"][0], "threshold": "0.85"}
    card = edited(started, known, values={"performance_metrics": [row]}, confirm={"performance_metrics"})
    version.metrics = {"accuracy": 0.7}
    after = filling.refreshed(card, facts.facts_of(version))
    assert after.values["performance_metrics"] == [{**row, "value": "0.7"}]
    assert after.state("performance_metrics") == State.EDITED


def test_an_override_is_asked_again_when_its_fact_changes(version, started, known):
    card = edited(started, known, values={"hyperparameters": {"depth": "9"}},
                  overrides={"hyperparameters": "Logged wrongly."}, confirm={"hyperparameters"})  # fmt: skip
    version.params = {"depth": "4"}
    after = filling.refreshed(card, facts.facts_of(version))
    assert after.values["hyperparameters"] == {"depth": "9"}
    assert after.states["hyperparameters"]["override"]["fact"] == {"depth": "4"}
    assert after.state("hyperparameters") == State.EDITED


def test_confirming_says_who_and_when(started, known):
    card = edited(started, known, confirm={"authors"})
    assert card.states["authors"]["state"] == State.CONFIRMED
    assert {name: card.states["authors"][name] for name in BY} == BY


def test_an_empty_field_cannot_be_confirmed(started, known):
    with pytest.raises(CardRefused):
        edited(started, known, confirm={"intended_use"})


def test_changing_a_confirmed_text_takes_the_confirmation_away(started, known):
    card = edited(started, known, values={"intended_use": "Choosing whom to call."}, confirm={"intended_use"})
    assert edited(card, known, values={"intended_use": "Choosing whom to fire."}).state("intended_use") == "edited"


def test_a_field_that_applies_to_every_model_cannot_be_left_out(started, known):
    with pytest.raises(CardRefused):
        edited(started, known, lacking={"intended_use": "We do not know."})


def test_a_field_may_be_said_not_to_apply_with_a_reason(started, known):
    card = edited(started, known, lacking={"fairness": "No people are in the data."})
    assert card.states["fairness"] == {"state": "not_applicable", "reason": "No people are in the data.", **BY}


def test_a_new_version_takes_prose_along_unconfirmed_and_facts_fresh(version, started, known):
    before = edited(started, known, values={"intended_use": "Choosing whom to call."}, confirm={"intended_use"})
    newer = facts.facts_of(make_version(version.model, 2, metrics={"accuracy": 0.95}))
    card = filling.started(newer, before, "version 1")
    assert card.states["intended_use"] == {"state": "prefilled", "source": "version 1"}
    assert card.values["performance_metrics"][0]["value"] == "0.95"
    assert card.values["version"] == "2"


def test_a_threshold_goes_with_its_metric_into_the_next_version(version, started, known):
    row = {**started.values["performance_metrics"][0], "threshold": "0.85"}
    before = edited(started, known, values={"performance_metrics": [row, {"name": "f1", "value": "0.5"}]})
    newer = facts.facts_of(make_version(version.model, 2, metrics={"accuracy": 0.95}))
    card = filling.started(newer, before, "version 1")
    assert card.values["performance_metrics"] == [
        {"name": "accuracy", "value": "0.95", "run_id": "run2", "direction": "higher", "threshold": "0.85"}
    ]


def test_data_sets_that_people_named_come_along_unconfirmed_where_mlflow_knows_none(version, started, known):
    before = edited(started, known, values={"test_data": [{"name": "june"}]}, confirm={"test_data"})
    card = filling.started(facts.facts_of(make_version(version.model, 2)), before, "version 1")
    assert (card.values["test_data"], rules.standings(card)["test_data"]) == ([{"name": "june"}], "unconfirmed")


def test_what_was_added_to_a_fact_comes_along_unconfirmed(version, started, known):
    row = {**started.values["performance_metrics"][0], "threshold": "0.85"}
    before = edited(started, known, values={"performance_metrics": [row]}, confirm={"performance_metrics"})
    card = filling.started(facts.facts_of(make_version(version.model, 2)), before, "version 1")
    assert rules.standings(card)["performance_metrics"] == "unconfirmed"


def test_an_override_is_no_fact_of_the_next_version(version, started, known):
    before = edited(started, known, values={"version": "2.1.0"}, overrides={"version": "Our own numbering."})
    assert filling.started(facts.facts_of(make_version(version.model, 2)), before, "version 1").values["version"] == "2"


def test_a_metric_that_the_run_no_longer_has_goes_when_facts_are_taken_anew(version, started, known):
    threshold = {**started.values["performance_metrics"][0], "threshold": "0.85"}
    card = edited(started, known, values={"performance_metrics": [threshold]})
    version.metrics = {"f1": 0.8}
    after = filling.refreshed(card, facts.facts_of(version))
    assert [row["name"] for row in after.values["performance_metrics"]] == ["f1"]


def test_a_metric_that_the_run_does_not_have_is_said_to_be_of_it_with_a_reason_only(started, known):
    rows = [*started.values["performance_metrics"], {"name": "f1", "value": "0.8", "run_id": "run1"}]
    with pytest.raises(CardRefused) as refused:
        edited(started, known, values={"performance_metrics": rows})
    assert list(refused.value.errors) == ["performance_metrics"]
    card = edited(started, known, values={"performance_metrics": rows},
                  overrides={"performance_metrics": "Deleted by mistake."})  # fmt: skip
    assert filling.refreshed(card, known).values["performance_metrics"] == rows


def test_what_a_person_measured_in_another_run_stays(version, started, known):
    own = {"name": "f1", "value": "0.8", "run_id": "a run of our own"}
    card = edited(started, known, values={"performance_metrics": [*started.values["performance_metrics"], own]})
    version.metrics = {"accuracy": 0.7}
    assert own in filling.refreshed(card, facts.facts_of(version)).values["performance_metrics"]


@pytest.mark.parametrize("metrics", [{"accuracy": 0.7}, {"f1": 0.8}])
def test_a_slice_of_a_metric_of_the_run_stays_whatever_the_run_has(version, started, known, metrics):
    slice_ = {"name": "accuracy", "value": "0.81", "slice": "under 25", "run_id": "run1"}
    rows = [slice_, *started.values["performance_metrics"]]
    card = edited(started, known, values={"performance_metrics": rows})
    assert slice_ in card.values["performance_metrics"]
    version.metrics = metrics
    after = filling.refreshed(card, facts.facts_of(version)).values["performance_metrics"]
    assert slice_ in after
    assert [row["name"] for row in after if "slice" not in row] == list(metrics)


def test_a_data_set_comes_with_its_source_and_rows_where_mlflow_knows_them(version):
    version.run = {"dataset_facts": [{"source": '{"uri": "https://data.example.org/may.csv"}',
                                      "profile": '{"num_rows": 20000}'}]}  # fmt: skip
    assert facts.facts_of(version)["training_data"].value == [
        {"name": "may", "digest": "d1", "source": "https://data.example.org/may.csv", "rows": "20000"}
    ]


def test_what_a_person_says_of_a_data_set_stays_when_mlflow_says_more_of_it(version, started):
    version.run = {"dataset_facts": [{"profile": '{"num_rows": 20000}'}]}
    assert filling.refreshed(started, facts.facts_of(version)).values["training_data"] == [
        {"name": "may", "digest": "d1"}
    ]


def test_the_architecture_is_told_from_estimator_flavour_format_and_parameters(version):
    version.params = {"estimator": "RandomForestClassifier", "n_estimators": "100", "columns": "x" * 400}
    version.mlmodel = {"flavors": {"sklearn": {"serialization_format": "skops"}, "python_function": {}}}
    assert facts.facts_of(version)["architecture"].value == "RandomForestClassifier (sklearn, skops): n_estimators=100"


def logged(version, **metrics):
    version.metrics = metrics
    return facts.facts_of(version)


def test_a_fact_that_changed_since_is_not_confirmed_unseen(started, known, version):
    later = logged(version, accuracy=0.4)
    with pytest.raises(CardRefused) as refused:
        edited(started, later, confirm=["performance_metrics"])
    assert "by now" in refused.value.errors["performance_metrics"]
    seen = {"performance_metrics": later["performance_metrics"].digest}
    card = edited(started, later, confirm=["performance_metrics"], seen=seen)
    assert card.states["performance_metrics"]["state"] == State.CONFIRMED


def test_what_one_adds_to_a_fact_confirms_no_fact_that_came_meanwhile(started, known, version):
    later = logged(version, accuracy=0.9, recall=0.1)
    rows = [{**row, "threshold": "0.1"} for row in later["performance_metrics"].value]
    with pytest.raises(CardRefused):
        edited(started, later, values={"performance_metrics": rows}, confirm=["performance_metrics"])


def test_a_text_of_ones_own_in_place_of_a_new_suggestion_is_confirmed(known):
    bare = Content({"model_name": "churn"})
    card = edited(bare, known, values={"model_type": "A forest of trees."}, confirm=["model_type"])
    assert card.states["model_type"]["by"] == "alice"


def test_an_override_is_confirmed_whatever_mlflow_said_before(started, known, version):
    later = logged(version, accuracy=0.4)
    rows = [{"name": "accuracy", "value": "0.9"}]
    why = {"performance_metrics": "Measured anew by hand."}
    said = {"values": {"performance_metrics": rows}, "overrides": why, "confirm": ["performance_metrics"]}
    assert (
        edited(started, later, **said).states["performance_metrics"]["override"]["reason"] == why["performance_metrics"]
    )


def test_what_mlflow_says_no_longer_is_no_fact_any_more(started, version):
    later = logged(version)
    card = filling.refreshed(started, later)
    assert card.values["performance_metrics"] == started.values["performance_metrics"]
    assert rules.standings(card)["performance_metrics"] == "unconfirmed"
    assert filling.refreshed(card, later) == card
    assert rules.standings(edited(card, later, confirm=["performance_metrics"]))["performance_metrics"] == "settled"


def test_what_mlflow_knows_applies_whatever_was_said_before_it_knew(version):
    version.params = {}
    before = facts.facts_of(version)
    card = edited(filling.started(before), before, lacking={"hyperparameters": "There is nothing to set."})
    version.params = {"depth": "3"}
    after = filling.refreshed(card, facts.facts_of(version))
    assert after.values["hyperparameters"] == {"depth": "3"}
    assert after.states["hyperparameters"]["state"] == State.PREFILLED
