"""Every form: what is not listed as lost comes back, forms are told apart, bad input is refused clearly."""

import contextlib
import json
import re
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.modelcards import content
from apps.modelcards.content import STATES, CardRefused, Content
from apps.modelcards.formats import forms, toolkit
from apps.modelcards.formats.about import About
from apps.modelcards.formats.base import Unreadable
from apps.modelcards.schema.fields import BY_NAME
from tests.modelcards.examples import CREDIT, MORTGAGE
from tests.modelcards.test_content import CARDS

BACK = ("json", "plain", "md", "hf", "cdx")  # the forms that are read too
SIMPLE = st.text(max_size=8) | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
ANYTHING = st.recursive(SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["name", "type", "data", "value", "ref", "description", "properties", "licenses", "modelCard",
                     "modelParameters", "datasets", "version", "components", "considerations", "users", "graphics"])
    | st.text(max_size=4), inner, max_size=4), max_leaves=25)  # fmt: skip


def stated(values) -> Content:
    """A card of which every other field is confirmed by somebody."""
    card = content.from_document(values)
    names = sorted(card.values)[::2]
    return Content(card.values, {name: {"state": "confirmed", "by": "bob", "at": "2026-11-30"} for name in names})


@pytest.mark.parametrize("form", BACK)
@given(CARDS)
@settings(deadline=None, max_examples=40)
def test_what_is_not_listed_as_lost_comes_back(form, values):
    card = stated(values)
    lost = {loss.path for loss in forms.lost(form, card)}
    back = forms.read(forms.written(form, card)).content
    assert lost <= {f"{STATES}.{name}" for name in card.states}
    kept = {name: state for name, state in card.states.items() if f"{STATES}.{name}" not in lost}
    assert back == Content({name: value for name, value in card.values.items() if name not in lost}, kept)


@pytest.mark.parametrize("form", ["json", "md"])
def test_json_and_markdown_lose_nothing(form):
    assert forms.lost(form, stated(CREDIT)) == ()


@pytest.mark.parametrize("card", [CREDIT, MORTGAGE])
def test_the_customers_cards_come_back_key_by_key_as_plain_json(card):
    plain = json.loads(forms.written("plain", content.from_document(card)))
    proper = {"performance_metrics" if name == "performance" else name: value for name, value in card.items()}
    assert plain == proper
    assert list(plain) == [name for name in BY_NAME if name in proper]


@pytest.mark.parametrize("card", [CREDIT, MORTGAGE])
@pytest.mark.parametrize("form", BACK)
def test_the_customers_cards_come_back_from_every_form(form, card):
    whole = content.from_document(card)
    assert forms.read(forms.written(form, whole), "json" if form == "plain" else form).content == whole


@pytest.mark.parametrize("form", list(forms.EXPORTS))
def test_the_same_card_is_the_same_bytes(form):
    card, about = stated(CREDIT), About("churn", 1, 2, "draft", "alice", "2026-11-30T10:00:00Z")
    assert forms.written(form, card, about) == forms.written(form, card, about)


def test_a_pdf_shows_japanese():
    body = forms.written("pdf", stated(CREDIT), About("churn", 1, 2), "ja")
    shown = [unescaped(text) for text in re.findall(rb"\((?:\\.|[^()\\])*\) Tj", body)]
    assert any("制限事項".encode("utf-16-be") in text for text in shown)
    assert any("人間による審査なしの自動承認".encode("utf-16-be") in text for text in shown)


def unescaped(text: bytes) -> bytes:
    """A text of a PDF without its escapes."""
    letters = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
    return re.sub(
        rb"\\(\d{3}|.)", lambda found: bytes([int(found[1], 8)]) if found[1].isdigit() else
        letters.get(found[1], found[1]), text, flags=re.DOTALL,
    )  # fmt: skip


@given(CARDS)
@settings(deadline=None, max_examples=20)
def test_any_card_is_a_pdf(values):
    assert forms.written("pdf", stated(values)).startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "nothing in it"),
        (b"  \n", "nothing in it"),
        (b"hello", "no card"),
        (b'{"users": ["\xff"]}', "line 1"),
        (b'{\n"users": \0}', "Line 2"),
        (b'{"users": [1], "users": [2]}', "users"),
        (b'{"a": {"b": 1, "b": 2}}', "b stands twice"),
        (b'{"version": NaN}', "NaN"),
        (b'{"users":\n\n ]}', "Line 3"),
        (b"[1, 2]", "object"),
        (b"[" * 100_000, "nests deeper"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "nests deeper"),
        (b"x" * (2 * 1024 * 1024 + 1), "larger than 2 MB"),
        (b"---\nversion: !!python/object:os.system {}\n---\n", "Line 2"),
        (b"---\nversion: 1\nversion: 2\n---\n", "twice"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(body, said):
    with pytest.raises(Unreadable, match=said):
        forms.read(body)


def test_a_yaml_bomb_is_refused():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(Unreadable, match="more than"):
        forms.read(("---\n" + "\n".join(levels) + "\n---\n").encode())


def test_a_long_text_that_aliases_repeat_is_refused():
    bomb = f"---\na: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]\n---\n"
    with pytest.raises(Unreadable, match="longer than"):
        forms.read(bomb.encode())


def test_a_byte_order_mark_and_line_ends_of_windows_are_read():
    text = "\ufeff" + forms.written("md", content.from_document(CREDIT)).decode().replace("\n", "\r\n")
    assert forms.read(text.encode()).content == content.from_document(CREDIT)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"schema": "assent.card/9"}, "schema"),
        ({"intended_use": "x" * 1_000_000}, "intended_use"),
        ({"performance_metrics": [{"name": str(n)} for n in range(10_000)]}, "performance_metrics"),
        ({"authors": [{"name": "a", "salary": 1}]}, "authors"),
        ({"performance": {}, "performance_metrics": {"a": 1}, "metrics": {"b": 1}}, "performance_metrics"),
        ({"intended_use": "half \ud800"}, "intended_use"),
    ],
)
def test_a_field_at_fault_is_named(given, field):
    with pytest.raises(CardRefused) as refused:
        forms.read(json.dumps(given).encode())
    assert list(refused.value.errors) == [field]


def test_an_unknown_key_goes_to_the_further_sections():
    taken = forms.read(b'{"users": ["Ops"], "colour": "red", "size": {"x": 1.10}, "extra": {"colour": "blue"}}')
    assert taken.content.values["extra"] == {"colour": "blue", "colour (2)": "red", "size.x": "1.10"}


def test_what_is_too_long_to_be_kept_is_listed_with_its_path():
    taken = forms.read(json.dumps({"users": ["Ops"], "blob": {"pixels": "x" * 20_001}}).encode())
    assert [loss.path for loss in taken.losses] == ["blob.pixels"]


def test_a_number_stays_as_it_was_written():
    assert forms.read(b'{"version": 1.10, "performance": {"auc": 1e22}}').content.values == {
        "version": "1.10", "performance_metrics": [{"name": "auc", "value": "1e22"}],
    }  # fmt: skip


@given(ANYTHING, st.sampled_from(["", "json", "mct", "cdx"]))
@settings(deadline=None, max_examples=300)
def test_no_document_breaks_a_reader(document, form):
    card = {"modelParameters": {"datasets": document, "inputs": document}, "considerations": {
        "users": document, "useCases": document, "fairnessAssessments": document},
        "quantitativeAnalysis": {"performanceMetrics": document}}  # fmt: skip
    model = {"type": "machine-learning-model", "name": "x", "data": document, "properties": document}
    data = {"type": "data", "bom-ref": "d", "data": document, "properties": document}
    bills = [
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": document, "components": [found, data]}
        for found in (model | {"modelCard": document}, model | {"modelCard": card, "licenses": document,
                                                               "authors": document})
    ]  # fmt: skip
    toolkits = [{"model_details": document, "considerations": document}, {"model_details": {}, "model_parameters":
                document, "quantitative_analysis": document}]  # fmt: skip
    for whole in (document, *bills, *toolkits):
        try:
            forms.read(json.dumps(whole).encode(), form)
        except (Unreadable, CardRefused):
            continue


@given(st.text(max_size=200) | st.lists(st.sampled_from(
    ["---\n", "a: [\n", "license: mit\n", "governance:\n", "  version: 1\n", "model-index:\n", "- name: x\n", "# A\n",
     "## Users\n", "- one\n", "<!-- card:users -->\n",
     "<!-- card:nothing -->\n", "<!-- section:x -->\n", "```\n", "text\n"]
), max_size=12).map("".join), st.sampled_from(["", "md", "hf", "json"]))  # fmt: skip
@settings(deadline=None, max_examples=300)
def test_no_text_breaks_a_reader(text, form):
    try:
        forms.read(text.encode(errors="surrogatepass"), form)
    except (Unreadable, CardRefused):
        return


@given(ANYTHING, ANYTHING)
@settings(deadline=None, max_examples=150)
def test_no_front_matter_breaks_a_reader(one, other):
    index = [{"name": one, "results": [{"task": other, "dataset": one, "metrics": [{"name": other, "value": one}]}]}]
    for front in (
        {"model-index": one, "license": other, "datasets": one, "language": other},
        {"model-index": index, "metrics": other, "governance": one},
        {"schema": "assent.card/1", "states": one, "extra": other, "users": one},
        {"schema": "assent.card/1", "states": {"users": one, "fairness": other}},
    ):
        text = f"---\n{yaml.safe_dump(front, allow_unicode=True)}---\n# x\n"
        with contextlib.suppress(Unreadable, CardRefused):
            forms.read(text.encode(errors="surrogatepass"))


def test_a_card_of_the_toolkit_is_told_from_others():
    assert forms.read(b'{"schema_version": "0.0.2", "model_details": {"name": "mood"}}').content.values == {
        "model_name": "mood"
    }
    assert not toolkit.looks_like({"users": ["Ops"]})


@pytest.mark.parametrize("tag", ["bool", "int", "float", "timestamp", "binary"])
@pytest.mark.parametrize("said", ["xyz", "''", "1:x"])
def test_a_value_with_a_tag_is_text_all_the_same(tag, said):
    taken = forms.read(f"---\nschema: assent.card/1\nlicense: !!{tag} {said}\nmodel_name: churn\n---\n".encode())
    assert taken.content.values == {"model_name": "churn"} | ({"license": said} if said != "''" else {})


BIG = {
    "lists in lists, in YAML": "---\na: " + "[" * 1_000_000 + "\n---\n",
    "mappings in mappings, in YAML": "---\na: " + "{b: " * 400_000 + "\n---\n",
    "lists in lists, by their dashes": "---\n" + "- " * 500_000 + "x\n---\n",
    "as many values as there is room for, in YAML": "---\na: [" + "[]," * 600_000 + "]\n---\n",
    "one line of spaces": "# A\n## " + " " * 1_900_000 + "x",
    "stars": "## Performance\n- " + "**" * 900_000,
    "headings": "## Users\n- a\n" * 140_000,
    "unknown headings": "## b\na\n" * 250_000,
    "named lines": "# A\n## B\n" + "- users: a\n" * 180_000,
    "anchors": "<!-- card:users -->\n- a\n" * 80_000,
    "data sets": '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "machine-learning-model", '
    '"modelCard": {"modelParameters": {"datasets": [' + '{"ref": "a"},' * 60_000 + '{}]}}},'
    + '{"type": "data"},' * 50_000 + '{"type": "data", "bom-ref": "a"}]}',
    "one number in base sixty": '---\nlicense: !!int "' + "1:" * 1_000_000 + '1"\n---\n',
    "keys": "{" + ",".join(f'"k{n}":1' for n in range(140_000)) + "}",
}  # fmt: skip


@pytest.mark.parametrize("name", list(BIG))
def test_what_is_large_on_purpose_is_answered_in_time(name):
    body, began = BIG[name].encode(), time.process_time()
    assert len(body) <= 2 * 1024 * 1024
    with contextlib.suppress(Unreadable, CardRefused):
        forms.read(body)
    assert time.process_time() - began < 10  # seconds of this process: others do not count


def test_an_anchor_that_is_broken_over_two_lines_comes_back():
    card = content.from_document({"intended_use": "<!--\ncard:users -->\n\\<!-- card:users -->"})
    assert forms.read(forms.written("md", card)).content == card
