import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.modelcards import content
from apps.modelcards.content import CardRefused, Content
from apps.modelcards.schema.fields import FIELDS
from apps.modelcards.schema.kinds import Kind
from tests.modelcards.examples import CREDIT, MORTGAGE

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).map(str.strip).filter(bool)


def of_kind(kind: Kind, known):
    part = {p.name: of_kind(p.kind, p) for p in getattr(known, "parts", ())}
    return {
        Kind.LINE: TEXT,
        Kind.PROSE: st.lists(TEXT, min_size=1, max_size=3).map("\n".join),
        Kind.DATE: st.dates().map(lambda day: day.isoformat()),
        Kind.CHOICE: st.sampled_from([name for name, _label in known.options] or ["x"]),
        Kind.ITEMS: st.lists(TEXT, min_size=1, max_size=3),
        Kind.MAPPING: st.dictionaries(TEXT, TEXT, min_size=1, max_size=3),
        Kind.RECORD: st.dictionaries(st.sampled_from(list(part) or ["x"]), TEXT, min_size=1) if part else st.none(),
        Kind.RECORDS: st.none(),
    }[kind] if kind is not Kind.RECORDS else st.lists(
        st.fixed_dictionaries({}, optional=part).filter(bool), min_size=1, max_size=3
    )  # fmt: skip


CARDS = st.fixed_dictionaries({}, optional={known.name: of_kind(known.kind, known) for known in FIELDS})


@given(CARDS)
def test_a_card_comes_back_from_its_document(values):
    card = content.from_document(values)
    assert content.from_document(content.document(card)) == card


def test_a_document_names_every_field_at_fault():
    with pytest.raises(CardRefused) as refused:
        content.from_document({"date": "yesterday", "users": "all", "colour": "red"})
    assert set(refused.value.errors) == {"date", "users", "colour"}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("intended_use", "x" * 20_001),
        ("model_name", "two\nlines"),
        ("limitations", [["nested"]]),
        ("performance_metrics", [{"name": "f1"}] * 1_001),
        ("performance_metrics", [{"nome": "f1"}]),
        ("task", "juggling"),
        ("intended_use", "bell \x07"),
        ("intended_use", "half \ud800"),
    ],
)
def test_a_value_that_a_field_does_not_take_is_refused_by_its_field(field, given):
    with pytest.raises(CardRefused) as refused:
        content.from_document({field: given})
    assert list(refused.value.errors) == [field]


def test_a_refusal_says_which_row_and_part():
    with pytest.raises(CardRefused) as refused:
        content.from_document({"authors": [{"name": "alice"}, {"name": "a\nb"}]})
    assert refused.value.errors["authors"].startswith("2.name: ")


def test_a_whole_card_is_bounded():
    with pytest.raises(CardRefused) as refused:
        content.from_document({"limitations": ["x" * 19_000] * 30})
    assert "KiB" in refused.value.errors[""]


def test_the_cards_of_the_customers_documents_are_read_whole():
    card = content.from_document(CREDIT)
    assert card.values["authors"] == [{"name": "Data Science Team"}, {"name": "ML Engineering Team"}]
    assert card.values["training_data"] == [{"details": CREDIT["training_data"]}]
    assert card.values["performance_metrics"][0] == {"name": "Accuracy", "value": "0.892"}
    assert card.values["biases"][0] == {"harm": CREDIT["biases"][0]}
    assert set(card.values) == set(CREDIT)


def test_another_name_of_a_field_counts_as_the_field():
    assert content.from_document(MORTGAGE).values["performance_metrics"][4] == {"name": "ROC AUC", "value": "0.92"}


def test_a_field_under_both_of_its_names_is_refused():
    with pytest.raises(CardRefused) as refused:
        content.from_document({"performance": {"f1": "0.8"}, "performance_metrics": {"f1": "0.9"}})
    assert list(refused.value.errors) == ["performance_metrics"]


def test_equal_cards_have_equal_digests_whatever_their_order():
    one = Content({"users": ["a"], "license": "MIT"}, {})
    other = Content({"license": "MIT", "users": ["a"]}, {})
    assert content.digest(one) == content.digest(other)


def test_what_does_not_apply_needs_a_reason():
    with pytest.raises(CardRefused) as refused:
        content.from_document({"states": {"fairness": {"state": "not_applicable"}}})
    assert list(refused.value.errors) == ["states.fairness"]
