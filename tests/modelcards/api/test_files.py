"""Cards as files over the API: exported, imported in two steps, compared; and the schema."""

import json

import jsonschema
import pytest

from apps.audit.models import Access
from apps.modelcards import services
from apps.modelcards.content import from_document
from apps.modelcards.filling import Edit
from tests.builders import make_version
from tests.modelcards.api.conftest import Caller
from tests.modelcards.conftest import fill
from tests.modelcards.examples import CREDIT

pytestmark = pytest.mark.django_db
LATE = {"users": ["Retention team"], "intended_use": "Supports whom to call first, once a month."}


def faults(answer) -> list[str]:
    return [error["field"] for error in answer.json()["errors"]]


@pytest.fixture
def preview(card, as_alice):
    """Preview a text as alice's script, and answer with what came."""
    return lambda text, **more: as_alice("POST", "import/preview/", {"text": text, **more}).json()


def test_an_export_reads_back_as_the_card(card, as_alice, document):
    answer = as_alice("GET", "export/json/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert from_document(json.loads(answer.content)) == from_document(document)
    assert Access.objects.latest("pk").outcome == "granted"


def test_an_export_has_japanese_headings_when_asked(card, as_alice):
    assert "# モデルカード: churn" in as_alice("GET", "export/md/?lang=ja").content.decode()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("export/papyrus/", 404),
        ("export/json/?revision=9", 404),
        ("export/json/?lang=la", 400),
        ("compare/?base=x", 400),
    ],
)
def test_a_form_or_revision_that_there_is_not_is_said(card, as_alice, path, status):
    assert as_alice("GET", path).status_code == status


def test_an_import_is_looked_at_and_then_saved(card, preview, as_alice):
    found = preview(json.dumps(LATE))
    assert [(row["field"], row["relation"], row["ways"][0]) for row in found["rows"]] == [
        ("intended_use", "new", "take"), ("users", "new", "take"),
    ]  # fmt: skip
    answer = as_alice("POST", "import/", {"sealed": found["sealed"], "note": "From the wiki."})
    assert (answer.status_code, answer.json()["revision"]) == (200, 2)
    assert answer.json()["document"]["users"] == LATE["users"]


def test_an_import_that_says_otherwise_than_mlflow_takes_a_reason(card, preview, as_alice):
    sealed = preview(json.dumps(CREDIT))["sealed"]
    taken = {"sealed": sealed, "ways": {"model_name": "take"}}
    refused = as_alice("POST", "import/", taken)
    assert (refused.status_code, faults(refused)) == (400, ["model_name"])
    answer = as_alice("POST", "import/", taken | {"reasons": {"model_name": "Its name on paper."}})
    assert answer.json()["document"]["model_name"] == CREDIT["model_name"]


def test_a_preview_is_no_good_on_another_revision(card, preview, as_alice, alice):
    sealed, before = preview(json.dumps(LATE))["sealed"], card.digest
    fill(alice)
    assert as_alice("POST", "import/", {"sealed": sealed}, match=before).status_code == 412


def test_a_preview_is_nobody_elses(card, preview, bob):
    answer = Caller(bob)("POST", "import/", {"sealed": preview(json.dumps(LATE))["sealed"]})
    assert answer.status_code == 400


@pytest.mark.parametrize("text", ["", "{", '{"users": ["a"], "users": ["b"]}', "no card at all"])
def test_a_text_that_is_no_card_is_refused_by_its_field(card, as_alice, text):
    answer = as_alice("POST", "import/preview/", {"text": text})
    assert (answer.status_code, faults(answer)) == (400, ["text"])


def test_two_revisions_are_compared_by_field(card, as_alice, alice):
    services.save("churn", 1, Edit({"users": ["Retention"]}), base=1, by=alice)
    assert as_alice("GET", "compare/").json() == [
        {"field": "users", "change": "added", "before": None, "after": ["Retention"], "was": "empty", "now": "edited"}
    ]


def test_another_version_without_a_card_cannot_be_compared_with(card, as_alice):
    make_version(card.version.model, 2)
    answer = as_alice("GET", "compare/?version=2")
    assert (answer.status_code, faults(answer)) == (400, ["version"])


def test_the_schema_takes_the_card_that_is_answered(document, as_alice):
    schema = as_alice("GET", "/api/v1/cards/schema/").json()
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "colour": "red"}, schema)
