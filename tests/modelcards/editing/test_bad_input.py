"""What nobody types, and too much of it: a sentence at the field, and nothing lost."""

import pytest
from django.test import Client

from apps.audit.models import AuditEvent
from apps.modelcards.models import CardDraft, CardRevision
from tests.modelcards.editing.conftest import USE, address, newest

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def test_markdown_with_scripts_is_kept_as_text_and_shown_as_none(send, look, alice):
    text = 'See <script>alert(1)</script> and [this](javascript:alert(1)) </textarea><img src=x onerror="alert(1)">'
    send({"intended_use": text})
    assert newest(alice).values["intended_use"] == text
    page = look()
    assert "<script>alert" not in page
    assert "<img" not in page
    shown = send({"intended_use": text}, base=2, do="preview-intended_use").content.decode()
    assert "<script>alert" not in shown
    assert "<img" not in shown
    assert 'href="javascript' not in shown


@pytest.mark.parametrize("letter", ["x", "語"])
def test_a_megabyte_of_prose_is_refused_at_its_field_and_stands_in_the_form(send, letter):
    text = letter * (1024 * 1024 // len(letter.encode()))
    answer = send({"intended_use": text, "users-0": "Sales"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert '<a href="#intended_use">Intended use</a>: This has' in page
    assert text in page
    assert "Sales" in page
    assert 'aria-describedby="intended_use-hint intended_use-wrong"' in page


def test_ten_thousand_rows_are_refused_at_their_field_and_stay_in_the_form(send, alice):
    rows = {f"performance_metrics-{number}-name": f"m{number}" for number in range(10_000)}
    answer = send(rows, section="performance")
    page = answer.content.decode()
    assert (answer.status_code, "This list has 10001 rows; the most is 1000" in page) == (400, True)
    assert 'value="m0"' in page
    assert 'type="hidden" name="performance_metrics-9999-name" value="m9999"' in page
    left = send(rows, section="performance", do="cut-performance_metrics").content.decode()
    assert "m9999" not in left
    assert 'value="m999"' in left
    assert newest(alice).number == 1


def test_more_fields_than_any_form_has_are_refused(card, alice, client):
    client.force_login(alice)
    body = "&".join(f"users-{number}=x" for number in range(12_001))
    answer = client.post(address(), body, content_type=FORM)
    assert (answer.status_code, "what you typed is still there" in answer.content.decode()) == (413, True)


def test_bytes_that_are_no_utf_8_are_refused_at_their_field(card, alice, client):
    client.force_login(alice)
    answer = client.post(address(), b"base=1&intended_use=caf%E9&users-0=Sales", content_type=FORM)
    page = answer.content.decode()
    assert (answer.status_code, '<a href="#intended_use">' in page, "no UTF-8" in page) == (400, True, True)
    assert "Sales" in page


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb"])
def test_control_characters_are_refused_at_their_field(send, text):
    answer = send({"users-0": "Sales", "users-1": text})
    page = answer.content.decode()
    assert (answer.status_code, '<a href="#users-1">' in page) == (400, True)


@pytest.mark.parametrize(
    ("section", "fields", "target"),
    [
        ("model", {"task": "juggling"}, "task"),
        ("basics", {"owner_team": "two\nlines"}, "owner_team"),
        ("basics", {"authors-2-name": "x" * 1001}, "authors-2-name"),
        ("basics", {"date": "31.12.2026", "date-why": "Ours."}, "date"),
        ("performance", {"performance_metrics-1-name": "f1", "performance_metrics-1-direction": "up"},
         "performance_metrics-1-direction"),
        ("operation", {"environment-hours": "x" * 1001}, "environment-hours"),
        ("more", {"extra-0-name": "", "extra-0-text": "Nameless."}, "extra-0-name"),
    ],
)  # fmt: skip
def test_every_error_leads_to_its_input(send, section, fields, target):
    answer = send(fields, section=section)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert f'<a href="#{target}">' in page
    assert f'id="{target}"' in page
    assert page.count("<title>Error:") == 1


def test_a_choice_that_is_none_stays_in_the_form(send):
    assert '<option value="juggling" selected>' in send({"task": "juggling"}, section="model").content.decode()


def test_fields_of_another_section_and_of_the_card_itself_are_not_taken(send, alice, card):
    send({"users-0": "Sales", "license": "MIT", "by": "bob", "at": "2020-01-01", "state": "approved", "states": "{}",
          "users-by": "bob", "users-state": "confirmed", "author": "2", "number": "9", "digest": "0" * 64})  # fmt: skip
    row = newest(alice)
    card.refresh_from_db()
    assert set(row.values) - {"users"} == set(CardRevision.objects.get(number=1).values)
    assert (row.author, row.number, row.states["users"], card.state) == (alice, 2, {"state": "edited"}, "draft")


@pytest.mark.parametrize("base", ["", "0", "9", "-1", "x", "9" * 30, "\u0663"])
def test_a_form_from_no_revision_is_asked_about_and_loses_nothing(send, base):
    answer = send({"users-0": "Sales"}, base=base)
    page = answer.content.decode()
    assert (answer.status_code, "from which revision" in page, "Sales" in page) == (400, True, True)


@pytest.mark.parametrize("do", ["add", "add-model_name", "add-license", "add-users-0-x", "remove-users", "open-users-x",
                                "differ-model_name", "preview-nothing", "cut-intended_use", "agree-nothing", "\x00",
                                "-", "add-performance_metrics", "agree-users", "x" * 3000])  # fmt: skip
def test_a_button_that_is_none_breaks_nothing(send, alice, do):
    assert send({"users-0": "Sales"}, do=do).status_code in (200, 302)
    assert CardRevision.objects.latest("number").values.get("users") in (None, ["Sales"])


@pytest.mark.parametrize("mark", ["0", "9", "x", "9" * 40])
def test_a_conflict_of_no_revision_breaks_nothing(send, mark):
    assert send({"users-0": "Sales", "users-was": mark}).status_code == 400


def test_a_stranger_learns_of_no_card(send, mallory):
    for to in ("", "draft/"):
        assert send({"users-0": "Sales"}, by=mallory, to=to).status_code == 404
    assert not CardDraft.objects.exists()


def test_a_viewer_writes_nothing(send, charlie):
    for to in ("", "draft/"):
        assert send({"users-0": "Sales"}, by=charlie, to=to).status_code == 403
    assert not CardDraft.objects.exists()


def test_nobody_changes_or_drops_anothers_draft(send, look, bob):
    send({"users-0": "half a wor"}, to="draft/")
    send({"users-0": "Other words"}, by=bob, to="draft/")
    send({}, by=bob, do="discard")
    assert "half a wor" in look()


def test_a_form_of_another_site_is_refused(card, alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    for path in (address(), address() + "draft/"):
        assert client.post(path, {"base": 1, "users-0": "Sales"}).status_code == 403


def test_a_section_that_is_none_is_not_there(card, alice, client):
    client.force_login(alice)
    assert client.get(address("secrets")).status_code == 404


def test_a_version_without_a_card_says_what_to_do(version, alice, client):
    client.force_login(alice)
    answer = client.get(address())
    assert (answer.status_code, "Start one" in answer.content.decode()) == (404, True)


def test_a_draft_that_is_too_long_is_refused_and_said(send):
    answer = send({f"users-{number}": "x" * 100_000 for number in range(11)}, to="draft/")
    assert answer.status_code == 400
    page = send({f"users-{number}": "x" * 100_000 for number in range(11)}).content.decode()
    assert "too long to be kept as a draft" in page


def test_drafts_write_no_event(send):
    before = AuditEvent.objects.count()
    send({"users-0": "half a wor"}, to="draft/")
    assert AuditEvent.objects.count() == before


def test_a_credential_is_masked_before_it_is_kept(send, alice):
    send({"references-0": "https://alice:secret@example.com/x"}, section="more")
    assert newest(alice).values["references"] == ["https://…@example.com/x"]


def test_a_text_of_every_language_comes_back(send, look, alice):
    text = "日本語 · português · العربية · 👩🏽‍🔬 " + USE
    send({"intended_use": text})
    assert newest(alice).values["intended_use"] == text
    assert text in look()
