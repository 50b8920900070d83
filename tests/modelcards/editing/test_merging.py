import pytest

from apps.modelcards.content import Content
from apps.modelcards.filling import Edit
from apps.modelcards.merging import three_way

BASE = Content({"language": "en", "users": ["Sales"]}, {"language": {"state": "edited"}, "users": {"state": "edited"}})


def changed(**values) -> Content:
    return Content({**BASE.values, **values}, BASE.states)


def test_changes_of_other_fields_go_on_top():
    merged = three_way(BASE, Edit({"language": "ja"}), changed(users=["Support"]))
    assert (dict(merged.edit.values), merged.conflicts) == ({"language": "ja"}, ())


def test_both_changing_one_field_is_a_conflict():
    merged = three_way(BASE, Edit({"language": "ja", "license": "MIT"}), changed(language="pt"))
    assert (dict(merged.edit.values), merged.conflicts) == ({"license": "MIT"}, ("language",))


def test_both_saying_the_same_is_none():
    assert three_way(BASE, Edit({"language": "ja"}), changed(language="ja")).conflicts == ()


@pytest.mark.parametrize("reason", ["Nobody is in the data.", "Other words."])
def test_a_field_that_both_say_does_not_apply_is_none_when_they_agree(reason):
    state = {"fairness": {"state": "not_applicable", "reason": "Nobody is in the data.", "by": "bob", "at": "now"}}
    merged = three_way(BASE, Edit(lacking={"fairness": reason}), Content(BASE.values, BASE.states | state))
    assert bool(merged.conflicts) == (reason == "Other words.")


def test_confirming_what_somebody_else_changed_is_a_conflict():
    assert three_way(BASE, Edit(confirm=frozenset({"users"})), changed(users=["Support"])).conflicts == ("users",)


def test_a_confirmation_in_between_stands_in_nobodys_way():
    state = {"language": {"state": "confirmed", "by": "bob", "at": "now"}}
    merged = three_way(BASE, Edit({"language": "ja"}), Content(BASE.values, BASE.states | state))
    assert merged.conflicts == ()


def test_emptying_what_somebody_else_changed_is_a_conflict():
    assert three_way(BASE, Edit({"users": None}), changed(users=["Support"])).conflicts == ("users",)
