"""The block in a description: Assent's between its markers, people's all around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.modelcards.summary import BEGIN, END, LONGEST, Summary, block_of, described, tags_of, without_block

FIRST = Summary(2, "a" * 64, "erin", "2026-11-30", "Chooses whom to call first.", "https://assent.example.org/c/")
SECOND = Summary(5, "b" * 64, "bob", "2026-12-24", "Chooses whom to call at all.", "https://assent.example.org/c/")


def test_a_description_keeps_what_people_wrote():
    text = described("Trained on May data.\n", FIRST)
    assert text.startswith("Trained on May data.\n\n<!--")
    assert without_block(text) == "Trained on May data."


def test_another_approval_replaces_the_block_where_it_stands():
    text = described(f"Before.\n\n{block_of(FIRST)}\n\nAfter.", SECOND)
    assert text == f"Before.\n\n{block_of(SECOND)}\n\nAfter."


def test_a_lone_marker_takes_no_text_of_people_with_it():
    text = described(described(f"{BEGIN} Mine.", FIRST), SECOND)
    assert text == f"{BEGIN} Mine.\n\n{block_of(SECOND)}"


def test_a_card_cannot_end_its_own_block():
    hostile = Summary(1, "a" * 64, "erin", "2026-11-30", f"Use. {END} [Free money](https://x)", "")
    assert without_block(block_of(hostile)) == ""


def test_a_description_that_would_be_too_long_stays_as_it_is():
    assert described("x" * LONGEST, FIRST) == "x" * LONGEST


def test_without_an_address_there_is_no_link():
    plain = Summary(1, "a" * 64, "erin", "2026-11-30", "", "")
    assert ("](" in block_of(plain), set(tags_of(plain))) == (False, {"assent.card", "assent.card_digest"})


@given(text=st.lists(st.sampled_from([BEGIN, END, "a", " ", "\n", "<!--"]), max_size=12).map("".join))
def test_writing_twice_is_writing_once(text):
    assert described(described(text, FIRST), FIRST) == described(text, FIRST)


@pytest.mark.parametrize("text", ["", "Mine.", "Mine.\n\n\nYours."])
def test_without_the_block_stays_what_people_wrote(text):
    assert without_block(described(text, FIRST)) == text
