"""The pages of exports and imports: who gets what, what a preview shows, and that nothing typed is lost."""

import json
import re
import threading
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.audit.models import Access, AuditEvent
from apps.modelcards import content, queries
from apps.modelcards.formats import forms, services
from apps.modelcards.formats.about import About
from apps.modelcards.models import Card, CardRevision
from tests.builders import make_model, make_version
from tests.modelcards.conftest import fill
from tests.modelcards.examples import CREDIT, MORTGAGE

pytestmark = pytest.mark.django_db
EXPORT = "/models/churn/v/1/card/export/"
IMPORT = "/models/churn/v/1/card/import/"


@pytest.fixture
def client(alice) -> Client:
    found = Client()
    found.force_login(alice)
    return found


def sealed(page) -> dict[str, str]:
    """The hidden fields of a preview."""
    text = page.content.decode()
    names = re.findall(r'<input type="hidden" name="(card|base)" value="([^"]*)"', text)
    return {name: unescape(value) for name, value in names}


def look(client: Client, card, **more):
    return client.post(IMPORT, {"text": card if isinstance(card, str) else json.dumps(card), **more})


def newest() -> CardRevision:
    return queries.revision(Card.objects.get())


@pytest.mark.parametrize(("form", "kind", "ending"), [
    ("json", "application/json", "json"), ("plain", "application/json", "plain.json"),
    ("md", "text/markdown; charset=utf-8", "md"), ("hf", "text/markdown; charset=utf-8", "README.md"),
    ("cdx", "application/vnd.cyclonedx+json; version=1.6", "cdx.json"), ("pdf", "application/pdf", "pdf"),
])  # fmt: skip
def test_a_card_is_handed_out_as_a_file(card, client, form, kind, ending):
    page = client.get(f"{EXPORT}{form}/")
    assert (page.status_code, page["Content-Type"]) == (200, kind)
    assert page["Content-Disposition"] == f'attachment; filename="card-churn-v1-r1.{ending}"'
    assert page["X-Content-Type-Options"] == "nosniff"


def test_every_form_has_its_line_in_the_table_of_the_docs():
    with open("docs/cards-formats.md", encoding="utf-8") as text:
        table = text.read()
    assert all(f"`{form}`" in table for form in forms.EXPORTS)


def test_an_export_is_noted_as_a_read_of_its_model(card, client):
    client.get(f"{EXPORT}md/")
    row = Access.objects.latest("pk")
    assert (row.outcome, row.route, row.object) == ("granted", "modelcards:export", "churn v1")
    assert row.model_id == card.version.model_id


def test_an_older_revision_is_handed_out_by_its_number(card, client, alice):
    fill(alice)
    assert "users" not in client.get(f"{EXPORT}json/?revision=1").json()
    assert "users" in client.get(f"{EXPORT}json/").json()


def test_the_same_revision_is_the_same_bytes(card, client):
    for form in forms.EXPORTS:
        assert client.get(f"{EXPORT}{form}/").content == client.get(f"{EXPORT}{form}/").content


@pytest.mark.parametrize(("path", "status"), [
    ("exe/", 404), ("json/?revision=9", 404), ("json/?revision=99999999999999999999", 400), ("json/?revision=-1", 400),
    ("json/?revision=", 200), ("md/?lang=fr", 400), ("md/?lang=ja", 200),
])  # fmt: skip
def test_an_export_that_there_is_not_is_refused(card, client, path, status):
    assert client.get(EXPORT + path).status_code == status


def test_a_stranger_gets_no_export(card, mallory):
    client = Client()
    client.force_login(mallory)
    assert client.get(f"{EXPORT}json/").status_code == 404
    assert client.get(IMPORT).status_code == 404


def test_a_viewer_exports_and_does_not_import(card, charlie):
    client = Client()
    client.force_login(charlie)
    assert client.get(f"{EXPORT}json/").status_code == 200
    assert client.get(IMPORT).status_code == 403
    assert look(client, CREDIT).status_code == 403


def test_a_version_without_a_card_is_told_to_start_one(version, client):
    assert "There is no card yet" in client.get(IMPORT).content.decode()
    assert look(client, CREDIT).status_code == 404
    assert client.get(f"{EXPORT}json/").status_code == 404


def test_a_files_name_is_plain_whatever_the_model_is_called(alice):
    version = make_version(make_model('a"b/日本\n..'), 1)
    assert services.file_name(version, 2, "md") == "card-a_b-v1-r2.md"
    assert services.file_name(make_version(make_model("日本"), 1), 1, "md") == "card-model-v1-r1.md"


@pytest.mark.parametrize("example", [CREDIT, MORTGAGE])
@pytest.mark.parametrize("form", ["plain", "md", "hf", "cdx"])
def test_the_customers_cards_are_imported_from_a_file_as_one_revision(card, client, example, form):
    body = forms.written(form, content.from_document(example), About())
    page = client.post(IMPORT, {"file": SimpleUploadedFile("card", body)})
    assert page.status_code == 200
    assert client.post(IMPORT, {**sealed(page), "note": "From the old cards."}).status_code == 302
    row = newest()
    assert (row.number, row.cause, row.note) == (2, "imported", "From the old cards.")
    whole = content.from_document(example).values
    for name in set(whole) - {"model_name", "version", "date"} - {"performance_metrics", "training_data"}:
        assert row.values[name] == whole[name]
    for name in ("performance_metrics", "training_data"):  # MLflow's, and then those of the file
        assert row.values[name][1:] == whole.get(name, [])
    assert row.values["model_name"] == "churn"


def test_a_preview_saves_nothing(card, client):
    before = AuditEvent.objects.count()
    assert look(client, CREDIT).status_code == 200
    assert (CardRevision.objects.count(), AuditEvent.objects.count()) == (1, before)


def test_a_preview_shows_facts_losses_and_what_says_the_same(card, client):
    blob = {"users": ["Ops"], "version": "9", "model_name": "churn", "blob": "x" * 20_001}
    text = look(client, blob | {"states": {"users": {"state": "confirmed", "by": "bob"}}}).content.decode()
    assert "MLflow says otherwise" in text
    assert "<code>blob</code>" in text
    assert "<code>states</code>" in text
    assert "These say the same already:" in text


def test_a_fact_is_taken_with_a_reason_alone(card, client):
    page = look(client, {"version": "9"})
    given = {**sealed(page), "way-version": "take"}
    refused = client.post(IMPORT, {**given, "note": "Kept."})
    text = refused.content.decode()
    assert refused.status_code == 400
    assert "Error:" in text
    assert ">Kept.</textarea>" in text
    assert 'value="take" id="way-version-take" checked' in text
    assert client.post(IMPORT, {**given, "reason-version": "So it is called outside."}).status_code == 302
    assert newest().states["version"]["override"]["reason"] == "So it is called outside."


def test_nothing_is_saved_where_nothing_is_chosen(card, client):
    page = look(client, {"version": "9"})
    assert client.post(IMPORT, sealed(page)).status_code == 302
    assert newest().number == 1


def test_the_second_of_two_imports_sees_the_preview_against_the_first(card, client, alice):
    page = look(client, {"users": ["Ops"]})
    fill(alice, values={"owner_team": "growth"})
    again = client.post(IMPORT, sealed(page))
    assert again.status_code == 409
    assert "Revision 2 was saved" in again.content.decode()
    assert client.post(IMPORT, sealed(again)).status_code == 302
    assert (newest().number, newest().values["owner_team"]) == (3, "growth")


def test_the_same_preview_sent_twice_is_saved_once(card, client):
    page = look(client, {"users": ["Ops"]})
    assert [client.post(IMPORT, sealed(page)).status_code for _time in range(2)] == [302, 409]
    assert newest().number == 2


def test_a_preview_of_somebody_else_or_another_version_is_refused(card, client, bob):
    given = sealed(look(client, {"users": ["Ops"]}))
    other = Client()
    other.force_login(bob)
    assert other.post(IMPORT, given).status_code == 400
    make_version(card.version.model, 2)
    services.services.start("churn", 2, by=bob)
    assert client.post("/models/churn/v/2/card/import/", given).status_code == 400
    assert CardRevision.objects.count() == 2


@pytest.mark.parametrize("forged", ["", "x", "{}", "a:b:c", "日本"])
def test_a_forged_preview_is_refused_on_the_form(card, client, forged):
    page = client.post(IMPORT, {"card": forged, "base": "1"})
    assert page.status_code == 400
    assert "older than a day" in page.content.decode()


def test_a_preview_that_was_changed_on_its_way_is_refused(card, client):
    given = sealed(look(client, {"users": ["Ops"]}))
    assert client.post(IMPORT, given | {"card": given["card"][:-1] + "x"}).status_code == 400


@pytest.mark.parametrize("base", ["", "x", "-1", "0", "9" * 30, "²"])
def test_a_base_that_is_no_revision_is_a_conflict(card, client, base):
    given = sealed(look(client, {"users": ["Ops"]}))
    assert client.post(IMPORT, given | {"base": base}).status_code == 409


@pytest.mark.parametrize("text", ['{"users": [', "no card", '{"users": 1, "users": 2}', "<script>alert(1)</script>"])
def test_what_was_pasted_stays_in_the_form_when_it_cannot_be_read(card, client, text):
    page = look(client, text)
    assert page.status_code == 400
    assert text in unescape(page.content.decode())
    assert "<script>alert" not in page.content.decode()


def test_a_field_at_fault_is_named_on_the_form(card, client):
    text = look(client, {"date": "soon", "users": "x"}).content.decode()
    assert "Date (date): " in text
    assert "Users (users): " in text


@pytest.mark.parametrize(("given", "said"), [
    ({}, "Choose a file with a card"), ({"text": "  \n"}, "Choose a file with a card"),
    ({"text": "# A"}, ""), ({"text": "{}", "form": "docx"}, "docx"),
])  # fmt: skip
def test_a_form_without_a_card_is_refused(card, client, given, said):
    page = client.post(IMPORT, given)
    assert (page.status_code, said in page.content.decode()) == (400 if said else 200, True)


def test_a_file_and_a_text_at_once_are_refused_and_the_text_kept(card, client):
    page = client.post(IMPORT, {"file": SimpleUploadedFile("x", b"{}"), "text": "# Mine"})
    assert page.status_code == 400
    assert "# Mine" in page.content.decode()


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"\0", b"{" * 10_000, b"x" * (3 * 1024 * 1024)])
def test_a_file_that_cannot_be_read_is_refused_on_the_form(card, client, body):
    page = client.post(IMPORT, {"file": SimpleUploadedFile("card.json", body)})
    assert page.status_code == 400
    assert 'class="errorlist"' in page.content.decode()


def test_markup_in_a_card_is_shown_as_text(card, client):
    page = look(client, {"users": ["<script>alert(1)</script>"], "<img src=x>": "<b>"}).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_a_card_of_a_thousand_metrics_is_previewed_and_saved(card, client):
    metrics = [{"name": f"m{n}", "value": "0.5", "slice": "日本" * 20} for n in range(999)]
    page = look(client, {"performance_metrics": metrics})
    assert client.post(IMPORT, sealed(page)).status_code == 302
    assert len(newest().values["performance_metrics"]) == 1_000


def test_the_card_of_a_deleted_version_takes_no_import(card, client):
    card.version.deleted_at = timezone.now()
    card.version.save()
    assert client.get(IMPORT).status_code == 409
    assert client.get(f"{EXPORT}json/").status_code == 200


def test_an_archived_card_takes_no_import(card, client):
    Card.objects.update(state="archived")
    assert client.get(IMPORT).status_code == 409


def test_a_credential_in_an_imported_text_is_masked(card, client):
    page = look(client, {"references": ["https://alice:secret@example.com/x"]})
    client.post(IMPORT, sealed(page))
    assert newest().values["references"] == ["https://…@example.com/x"]


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_at_once_one_is_saved_and_the_other_told(card, alice):
    client = Client()
    client.force_login(alice)
    given, ended = [sealed(look(client, {"users": [who]})) for who in ("Ops", "Sales")], []

    def save(fields: dict[str, str]) -> None:
        mine = Client()
        mine.force_login(alice)
        ended.append(mine.post(IMPORT, fields).status_code)
        connection.close()

    both = [threading.Thread(target=save, args=(fields,)) for fields in given]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(ended) == [302, 409]
    assert newest().number == 2
