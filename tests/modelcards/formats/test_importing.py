"""What an import would change, and what becomes of it: facts stay unless a reason says otherwise, states never come."""

import pytest

from apps.modelcards import content, filling
from apps.modelcards.content import Content
from apps.modelcards.facts import Fact
from apps.modelcards.formats import importing
from apps.modelcards.formats.importing import Relation, Way
from apps.modelcards.schema.fields import BY_NAME

METRIC = {"name": "accuracy", "value": "0.9", "run_id": "run1"}
FACTS = {
    "version": Fact(BY_NAME["version"], "1", "registry"),
    "performance_metrics": Fact(BY_NAME["performance_metrics"], [METRIC], "run"),
}
CARD = filling.started(FACTS)


def row(taken: dict, card: Content = CARD):
    (found,) = importing.rows(card, content.from_document(taken), FACTS)
    return found


def test_a_new_field_is_taken_unless_somebody_says_no():
    found = row({"users": ["Ops"]})
    assert (found.relation, found.default) == (Relation.NEW, Way.TAKE)
    assert importing.edit([found], {}, {}).values == {"users": ["Ops"]}
    assert importing.edit([found], {"users": "leave"}, {}).values == {}


def test_a_fact_stays_as_mlflow_has_it_unless_somebody_says_why():
    found = row({"version": "7"})
    assert (found.relation, found.default) == (Relation.FACT, Way.LEAVE)
    assert importing.edit([found], {}, {}).values == {}
    taken = importing.edit([found], {"version": "take"}, {"version": "It is called so outside."})
    assert (taken.values, taken.overrides) == ({"version": "7"}, {"version": "It is called so outside."})


def test_metrics_that_mlflow_does_not_know_are_added_to_those_that_it_does():
    found = row({"performance_metrics": {"auc": "0.95"}})
    assert found.default is Way.ADD
    edit = importing.edit([found], {}, {})
    assert edit.values["performance_metrics"] == [METRIC, {"name": "auc", "value": "0.95"}]
    saved = filling.edited(CARD, edit, FACTS, by="alice", at="now")
    assert "override" not in saved.states["performance_metrics"]


def test_what_says_the_same_is_no_change():
    taken = content.from_document({"version": "1"})
    assert importing.rows(CARD, taken, FACTS) == []
    assert [field.name for field in importing.same(CARD, taken)] == ["version"]


def test_what_somebody_confirmed_elsewhere_is_not_confirmed_here():
    found = row({"users": ["Ops"], "states": {"users": {"state": "confirmed", "by": "bob"}}})
    saved = filling.edited(CARD, importing.edit([found], {}, {}), FACTS, by="alice", at="now")
    assert saved.states["users"] == {"state": "edited"}


def test_that_a_field_does_not_apply_is_said_only_by_who_says_it_here():
    found = row({"states": {"fairness": {"state": "not_applicable", "reason": "It judges machines.", "by": "bob"}}})
    assert (found.relation, found.default) == (Relation.LACKING, Way.LEAVE)
    edit = importing.edit([found], {"fairness": "lack"}, {})
    saved = filling.edited(CARD, edit, FACTS, by="alice", at="now")
    assert saved.states["fairness"]["by"] == "alice"


@pytest.mark.parametrize("way", ["add", "lack", "everything", ""])
def test_a_way_that_a_field_has_not_changes_nothing(way):
    assert importing.edit([row({"users": ["Ops"]})], {"users": way}, {}).values == {}
