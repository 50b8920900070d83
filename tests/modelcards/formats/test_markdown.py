"""Cards as Markdown: ours comes back whole whatever is written in it; of what people write nothing is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.modelcards import content
from apps.modelcards.content import CardRefused, Content
from apps.modelcards.formats import markdown_in, markdown_out
from apps.modelcards.formats.base import Unreadable
from tests.modelcards.examples import CREDIT, MORTGAGE
from tests.modelcards.formats.customer import credit_markdown, mortgage_markdown
from tests.modelcards.test_content import CARDS

NASTY = st.sampled_from([
    "```", "~~~", "---", "...", "# One", "### Intended use", "## 使用目的", "<!-- card:users -->", "<!--card:extra-->",
    "\\<!-- card:users -->", "\\\\<!-- section:use -->", "<!-- section:end -->", "- item", "* star", "1. one", "  two",
    "    code", "a  \nb", "schema: assent.card/1", "", "", "tab\there", "日本語", "'\"", "x\u2028y", "\ufeffz", "🦉",
])  # fmt: skip
PROSE = st.lists(NASTY | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12), min_size=1, max_size=8)
TEXTS = PROSE.map("\n".join)
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12) | NASTY.map(lambda text: text[:3])
PROSES = st.fixed_dictionaries({}, optional={
    "intended_use": TEXTS, "architecture": TEXTS, "fairness": TEXTS, "rollback_plan": TEXTS,
    "limitations": st.lists(TEXTS, max_size=4), "users": st.lists(TEXTS, max_size=4),
    "extra": st.dictionaries(LINES.map(str.strip).filter(bool), TEXTS, max_size=3),
    "biases": st.lists(st.fixed_dictionaries({}, optional={"harm": TEXTS, "benefit": TEXTS}), max_size=3),
})  # fmt: skip


def back(card: Content, language: str = "en") -> Content:
    return markdown_in.read(markdown_out.written(card, language).decode()).content


@pytest.mark.parametrize("language", ["en", "ja"])
@given(CARDS)
@settings(deadline=None, max_examples=60)
def test_a_card_comes_back_from_its_markdown(language, values):
    card = content.from_document(values)
    assert back(card, language) == card


@pytest.mark.parametrize("language", ["en", "ja"])
@given(PROSES)
@settings(deadline=None, max_examples=200)
def test_prose_that_looks_like_structure_comes_back(language, values):
    try:
        card = content.from_document(values)
    except CardRefused:  # two names that are one without their space
        return
    assert back(card, language) == card
    lossless = markdown_in.read(markdown_out.written(card, language).decode())
    assert lossless.losses == ()


@pytest.mark.parametrize(("card", "written"), [(CREDIT, credit_markdown), (MORTGAGE, mortgage_markdown)])
def test_the_markdown_of_the_customers_code_is_read_whole(card, written):
    taken = markdown_in.read(written(card))
    assert taken.content.values == content.from_document(card).values
    assert taken.losses == ()


@pytest.mark.parametrize("card", [CREDIT, MORTGAGE])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_customers_cards_come_back_from_our_markdown(card, language):
    whole = content.from_document(card)
    assert back(whole, language) == whole


def test_a_card_in_japanese_has_japanese_headings():
    text = markdown_out.written(content.from_document(CREDIT), "ja").decode()
    assert "# モデルカード: 信用リスク分類モデル" in text
    assert "## リスクと倫理" in text
    assert "### 制限事項" in text


def test_how_fields_stand_comes_back():
    state = {"fairness": {"state": "not_applicable", "reason": "It judges\nmachines."}}
    card = Content({"users": ["Ops"]}, {"users": {"state": "confirmed", "by": "bob", "at": "2026-11-30"}, **state})
    assert back(card) == card


def test_an_unknown_heading_is_kept_under_its_name():
    taken = markdown_in.read("# Model card: churn\n\n## Caveats\n\nOld data.\n\n## Users\n\n- Ops\n")
    assert taken.content.values == {"model_name": "churn", "users": ["Ops"], "extra": {"Caveats": "Old data."}}


def test_two_unknown_headings_of_one_name_are_both_kept():
    taken = markdown_in.read("## Notes\n\none\n\n## Notes\n\ntwo\n")
    assert taken.content.values["extra"] == {"Notes": "one", "Notes (2)": "two"}


def test_a_heading_inside_code_is_no_heading():
    taken = markdown_in.read("## Architecture\n\n```\n## Users\n```\n")
    assert taken.content.values == {"architecture": "```\n## Users\n```"}


def test_what_stands_before_the_first_heading_is_kept():
    taken = markdown_in.read("Hello.\n\n## Users\n\n- Ops\n")
    assert taken.content.values["extra"] == {"Introduction": "Hello."}


def test_a_field_that_does_not_fit_is_kept_beside_the_fields():
    taken = markdown_in.read("## Date\n\nlast week\n\n## Users\n\n- Ops\n")
    assert taken.content.values == {"users": ["Ops"], "extra": {"Date": "last week"}}


def test_a_numbered_list_is_a_list():
    assert markdown_in.read("## Users\n\n1. Ops\n2. Sales\n   and more\n").content.values["users"][0] == "Ops"


def test_an_unknown_key_of_the_front_matter_is_kept():
    taken = markdown_in.read("---\nschema: assent.card/1\ncolour: [red]\n---\n\n## Users\n\n- Ops\n")
    assert taken.content.values["extra"] == {"colour": '["red"]'}


def test_a_number_stays_as_it_was_written():
    assert markdown_in.read("---\nversion: 1.10\n---\n").content.values == {"version": "1.10"}


def test_front_matter_at_fault_is_named_by_its_line():
    with pytest.raises(Unreadable, match="Line 4"):
        markdown_in.read("---\nversion: 1\nusers: [\n---\n")


def test_a_key_that_stands_twice_is_named():
    with pytest.raises(Unreadable, match="version"):
        markdown_in.read("---\nversion: 1\nversion: 2\n---\n")


def test_a_text_that_is_too_long_is_refused_by_its_field():
    with pytest.raises(CardRefused) as refused:
        markdown_in.read("## Intended use\n\n" + "x" * 20_001)
    assert list(refused.value.errors) == ["intended_use"]
