from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.modelcards.editing.cells import MARKS, OF, Cells, names_of, posted_cells, value_cells
from apps.modelcards.editing.values import WrongCell, value_of
from apps.modelcards.schema.fields import BY_NAME, FIELDS
from apps.modelcards.schema.kinds import Kind, Part

LETTERS = st.text("abc日本語", min_size=1, max_size=5)


def values_of(part: Any) -> st.SearchStrategy[Any]:
    """Any value of a field or of a part of one."""
    match part.kind:
        case Kind.DATE:
            return st.dates().map(str)
        case Kind.CHOICE:
            return st.sampled_from([name for name, _label in part.options])
        case Kind.ITEMS:
            return st.lists(LETTERS, min_size=1, max_size=3)
        case Kind.MAPPING:
            return st.dictionaries(LETTERS, LETTERS, min_size=1, max_size=3)
        case Kind.RECORD:
            return record_of(part.parts)
        case Kind.RECORDS:
            return st.lists(record_of(part.parts), min_size=1, max_size=3)
    return LETTERS


def record_of(parts: tuple[Part, ...]) -> st.SearchStrategy[Any]:
    first, *others = parts
    return st.fixed_dictionaries(
        {first.name: values_of(first)}, optional={part.name: values_of(part) for part in others}
    )


@given(st.data())
def test_a_value_is_the_same_after_a_form(data):
    known = data.draw(st.sampled_from(FIELDS))
    value = data.draw(values_of(known))
    posted = names_of(Cells(known, value_cells(known, value)))
    assert value_of(posted_cells(posted, [known])[known.name], None, None) == value


def test_no_part_is_called_like_a_mark():
    names = {part.name for known in FIELDS for part in known.parts}
    assert names & {*MARKS, OF} == set()


def test_no_name_of_a_field_or_part_holds_what_parts_names():
    assert [known.name for known in FIELDS if "-" in known.name] == []
    assert [part.name for known in FIELDS for part in known.parts if "-" in part.name] == []


@pytest.mark.parametrize(
    "name",
    ["model_name", "users", "users-x", "users-0-name", "users-9999999", "users-\u0663", "users-0-of", "task-0",
     "environment-unknown", "by", "states", ""],
)  # fmt: skip
def test_what_is_no_input_of_the_section_is_not_looked_at(name):
    fields = [BY_NAME["users"], BY_NAME["environment"]]
    assert posted_cells({name: ["x"]}, fields) == {}


def test_two_texts_under_one_name_are_not_merged():
    cells = posted_cells({"extra-0-name": ["a"], "extra-0-text": ["1"], "extra-1-name": ["a"], "extra-1-text": ["2"]},
                         [BY_NAME["extra"]])  # fmt: skip
    with pytest.raises(WrongCell) as wrong:
        value_of(cells["extra"], None, None)
    assert wrong.value.place == ("1", "name")


def test_a_fault_in_a_row_names_its_input_also_when_rows_before_it_are_gone():
    cells = posted_cells({"users-2": ["Sales"], "users-7": ["a\x00b"]}, [BY_NAME["users"]])
    with pytest.raises(WrongCell) as wrong:
        value_of(cells["users"], None, None)
    assert wrong.value.place == ("7",)
