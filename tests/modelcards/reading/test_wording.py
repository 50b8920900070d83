import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.modelcards.wording import ADDED, REMOVED, SAME, Piece, compared

TEXTS = st.text(alphabet="ab \n企。", max_size=40)
MOST = 20_000  # characters of one prose


def joined(pieces: list[Piece], without: str) -> str:
    return "".join(piece.text for piece in pieces if piece.change != without)


@given(TEXTS, TEXTS)
def test_the_pieces_hold_both_texts_whole(before, after):
    pieces = compared(before, after)
    assert joined(pieces, ADDED) == before
    assert joined(pieces, REMOVED) == after


@given(TEXTS)
def test_a_text_differs_in_nothing_from_itself(text):
    assert {piece.change for piece in compared(text, text)} <= {SAME}


def test_one_word_that_changed_is_all_that_changed():
    assert compared("Trained on May alone.", "Trained on June alone.") == [
        Piece(SAME, "Trained on "), Piece(REMOVED, "May"), Piece(ADDED, "June"), Piece(SAME, " alone."),
    ]  # fmt: skip


def test_a_script_without_spaces_is_compared_sign_by_sign():
    assert compared("企業向け融資の評価", "企業向け融資の審査")[0] == Piece(SAME, "企業向け融資の")


def test_words_that_changed_side_by_side_are_one_change():
    assert [piece.change for piece in compared("one two end", "three four end")] == [REMOVED, ADDED, SAME]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a b " * (MOST // 4), "b a " * (MOST // 4)),
        ("a" * MOST, "b" * MOST),
        (" ".join(str(n * 7 % 150) for n in range(5000)), " ".join(str(n * n % 150) for n in range(5000))),
        ("\n".join(str(n * 7 % 9) for n in range(9000)), "\n".join(str(n * n % 9) for n in range(9000))),
        ("。" * MOST, "、。" * (MOST // 2)),
    ],
    ids=["two words", "one word", "many words", "many lines", "marks"],
)
def test_the_longest_prose_takes_less_than_a_second(before, after):
    start = time.process_time()
    pieces = compared(before, after)
    assert time.process_time() - start < 1
    assert joined(pieces, ADDED) == before
