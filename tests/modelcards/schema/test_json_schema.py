"""The published schema says the same as the reader: what we write validates, and what is refused by shape does not."""

import json

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from rest_framework.test import APIRequestFactory, force_authenticate

from apps.modelcards import content
from apps.modelcards.content import CardRefused
from apps.modelcards.formats.schema_view import CardSchemaView
from apps.modelcards.schema.fields import BY_NAME, FIELDS
from apps.modelcards.schema.json_schema import json_schema
from tests.modelcards.examples import CREDIT, MORTGAGE
from tests.modelcards.formats.test_forms import stated
from tests.modelcards.test_content import CARDS

SCHEMA = json_schema("https://assent.test/api/v1/cards/schema/")
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
LACKS = {"state": "not_applicable", "reason": "It judges machines."}
REFUSED = [
    {"intended_use": "x" * 20_001},
    {"model_name": "x" * 1_001},
    {"model_name": "two\nlines"},
    {"intended_use": "bell \x07"},
    {"intended_use": "half \ud800"},
    {"intended_use": ["a list"]},
    {"limitations": [["nested"]]},
    {"users": "all"},
    {"users": ["x"] * 1_001},
    {"performance_metrics": [{"name": "f1"}] * 1_001},
    {"performance_metrics": [{"nome": "f1"}]},
    {"performance_metrics": [{"name": "f1", "direction": "sideways"}]},
    {"training_data": [{"details": {f"n{n}": "x" for n in range(201)}}]},
    {"training_data": [{"details": ["x"]}]},
    {"runtime": {"perl": "5"}},
    {"hyperparameters": ["depth"]},
    {"hyperparameters": {str(n): "1" for n in range(1_001)}},
    {"task": "juggling"},
    {"date": "yesterday"},
    {"date": "2026-02-30"},
    {"colour": "red"},
    {"schema": "assent.card/2"},
    {"states": ["users"]},
    {"states": {"colour": {"state": "edited"}}},
    {"states": {"users": {"state": "perfect"}}, "users": ["a"]},
    {"states": {"users": {"state": "edited", "mood": "good"}}, "users": ["a"]},
    {"states": {"users": LACKS}},
    {"states": {"fairness": {"state": "not_applicable"}}},
    {"states": {"version": {"state": "edited", "override": {"fact": "1"}}}, "version": "2"},
]


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


@given(CARDS)
@settings(deadline=None)
def test_every_document_of_a_card_is_valid(values):
    assert not list(VALIDATOR.iter_errors(values))
    assert not list(VALIDATOR.iter_errors(content.document(stated(values))))


@pytest.mark.parametrize("card", [CREDIT, MORTGAGE])
def test_the_customers_cards_are_valid_as_we_write_them(card):
    assert not list(VALIDATOR.iter_errors(content.document(content.from_document(card))))


@pytest.mark.parametrize("document", REFUSED)
def test_what_the_reader_refuses_by_its_shape_is_not_valid(document):
    with pytest.raises(CardRefused):
        content.from_document(document)
    assert list(VALIDATOR.iter_errors(document))


def test_what_does_not_apply_with_a_reason_and_what_is_overridden_are_valid():
    fact = {"state": "edited", "override": {"reason": "So it is called.", "fact": "1", "by": "bob", "at": "now"}}
    document = {"version": "2", "states": {"fairness": LACKS, "version": fact}}
    assert content.from_document(document)
    assert not list(VALIDATOR.iter_errors(document))


def test_every_field_of_the_table_stands_in_the_schema_with_its_label():
    assert {name for name in SCHEMA["properties"] if name in BY_NAME} == {field.name for field in FIELDS}
    assert SCHEMA["properties"]["users"]["title"] == "Users"


def test_the_schema_is_served_as_json_to_whoever_is_signed_in(alice):
    request = APIRequestFactory().get("/api/v1/cards/schema/")
    force_authenticate(request, alice)
    answer = CardSchemaView.as_view()(request)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/schema+json")
    assert json.loads(answer.content)["$id"] == "http://testserver/api/v1/cards/schema/"


def test_the_schema_is_served_to_nobody_else(db):
    assert CardSchemaView.as_view()(APIRequestFactory().get("/api/v1/cards/schema/")).status_code == 401
