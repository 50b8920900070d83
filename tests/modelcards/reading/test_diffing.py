import time

from apps.modelcards.content import Content
from apps.modelcards.diffing import differences
from apps.modelcards.schema.fields import BY_NAME
from apps.modelcards.wording import ADDED, REMOVED, SAME, Piece


def of(name: str, before, after):
    """Return how one field of two cards differs."""
    (change,) = differences(Content({name: before} if before else {}), Content({name: after} if after else {}))
    return change


def test_equal_cards_differ_in_nothing():
    card = Content({"license": "MIT"}, {"license": {"state": "confirmed", "by": "alice"}})
    assert differences(card, card) == []


def test_a_field_that_came_is_added():
    assert of("license", None, "MIT").change == ADDED


def test_a_field_that_went_is_removed():
    assert of("license", "MIT", None).change == REMOVED


def test_prose_is_compared_by_word():
    pieces = of("intended_use", "Choose whom to call.", "Choose whom to write.").pieces
    assert Piece(REMOVED, "call") in pieces
    assert Piece(ADDED, "write") in pieces


def test_metrics_find_each_other_by_name_data_set_and_slice():
    before = [{"name": "f1", "slice": "under 25", "value": "0.7"}, {"name": "f1", "value": "0.8"}]
    after = [{"name": "f1", "value": "0.9"}, {"name": "f1", "slice": "under 25", "value": "0.7"}]
    (entry,) = of("performance_metrics", before, after).entries
    assert (entry.change, entry.title, [(part.name, part.before, part.after) for part in entry.parts]) == (
        "changed", "f1", [("value", "0.8", "0.9")],
    )  # fmt: skip


def test_a_record_of_another_key_in_the_same_place_is_one_that_changed():
    before = [{"harm": "Called too often.", "group": "older people"}]
    after = [{"harm": "Called much too often.", "group": "older people"}]
    (entry,) = of("biases", before, after).entries
    assert entry.change == "changed"


def test_records_of_the_same_key_are_told_apart_by_their_order():
    twice = [{"name": "f1", "value": "0.7"}, {"name": "f1", "value": "0.8"}]
    (entry,) = of("performance_metrics", twice, [*twice[:1], {"name": "f1", "value": "0.9"}]).entries
    assert entry.parts[0].before == "0.8"


def test_names_of_a_mapping_find_each_other_wherever_they_stand():
    entries = of("hyperparameters", {"depth": "3", "trees": "9"}, {"trees": "9", "depth": "4", "seed": "1"}).entries
    assert [(entry.change, entry.title) for entry in entries] == [("changed", "depth"), ("added", "seed")]


def test_an_item_put_first_is_the_only_one_that_came():
    entries = of("limitations", ["May alone.", "Adults alone."], ["New.", "May alone.", "Adults alone."]).entries
    assert [(entry.change, entry.parts[0].after) for entry in entries] == [("added", "New.")]


def test_an_item_that_was_reworded_is_compared_by_word():
    (entry,) = of("limitations", ["Trained on May."], ["Trained on June."]).entries
    assert Piece(SAME, "Trained on ") in entry.parts[0].pieces


def test_what_was_only_confirmed_is_no_other_value():
    before = Content({"license": "MIT"}, {"license": {"state": "edited"}})
    after = Content({"license": "MIT"}, {"license": {"state": "confirmed", "by": "alice"}})
    assert [change.change for change in differences(before, after)] == ["state"]
    assert differences(before, after, states=False) == []


def test_a_card_as_large_as_there_is_takes_less_than_two_seconds():
    def card(seed: int) -> Content:
        rows = [" ".join(str((n * seed + row) % 97) for n in range(60)) for row in range(1000)]
        prose = " ".join(str(n * seed % 150) for n in range(5000))
        return Content({"limitations": rows, "recommendations": rows[::-1], "intended_use": prose, "fairness": prose})

    start = time.process_time()
    differences(card(7), card(11))
    assert time.process_time() - start < 2


def test_a_number_is_shown_whole_on_either_side():
    (entry,) = of("performance_metrics", [{"name": "f1", "value": "0.8"}], [{"name": "f1", "value": "0.9"}]).entries
    assert entry.parts[0].pieces == [Piece(REMOVED, "0.8"), Piece(ADDED, "0.9")]


def test_a_thousand_records_of_the_same_name_are_compared_in_time():
    names = ("factors", "biases", "ethical_considerations", "performance_metrics", "inputs", "outputs", "authors")

    def card(last: str) -> Content:
        heads = {name: BY_NAME[name].parts[0].name for name in names}
        return Content({name: [{head: "a"}] * 999 + [{head: last}] for name, head in heads.items()})

    began = time.process_time()
    assert len(differences(card("b"), card("c"))) == len(names)
    assert time.process_time() - began < 0.5  # seconds of this process
