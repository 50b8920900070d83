"""Bills of materials: valid by CycloneDX's own schema, the same bytes for the same card, and back without loss."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings

from apps.modelcards import content
from apps.modelcards.content import CardRefused
from apps.modelcards.formats import cyclonedx
from apps.modelcards.formats.about import About
from apps.modelcards.formats.base import Unreadable
from tests.modelcards.examples import CREDIT, MORTGAGE
from tests.modelcards.test_content import CARDS

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
ABOUT = About(
    "churn", 3, 2, "approved", "alice", "2026-11-30T10:00:00Z", ("scikit-learn==1.7.2", "numpy>=2", "-r x.txt")
)
FULL = {
    "model_name": "churn", "version": "3", "license": "Apache-2.0", "task": "tabular-classification",
    "authors": [{"name": "alice", "contact": "alice@example.com"}, {"name": "bob", "role": "reviews"}],
    "training_data": [{"name": "may", "digest": "1a", "source": "https://data.example.com/may", "sensitive": "age"}],
    "test_data": [{"name": "june", "details": {"期間": "2026年"}}],
    "performance_metrics": [{"name": "f1", "value": "0.9", "slice": "new", "ci": "0.88 to 0.92", "run_id": "r"}],
    "inputs": [{"name": "tenure", "type": "long", "required": "yes"}], "outputs": [{"name": "0", "type": "double"}],
    "biases": [{"harm": "Called less", "group": "new customers", "mitigation": "Quota"}],
    "ethical_considerations": [{"risk": "Nuisance", "severity": "low", "mitigation": "Opt-out"}],
    "references": ["https://example.com/a", "a ticket"], "hyperparameters": {"depth": "3"},
    "human_oversight": "A person decides.", "owner_team": "growth", "intended_use": "Calling.", "users": ["Sales"],
}  # fmt: skip


def valid(body: bytes) -> None:
    error = VALIDATOR.validate_str(body.decode())
    assert error is None, error


@given(CARDS)
@settings(deadline=None, max_examples=60)
def test_a_card_comes_back_from_its_bill(values):
    card = content.from_document(values)
    taken = cyclonedx.read(json.loads(cyclonedx.written(card, About())))
    assert taken.content.values == card.values


@given(CARDS)
@settings(deadline=None, max_examples=25)
def test_the_bill_of_any_card_is_valid_by_the_strict_schema(values):
    valid(cyclonedx.written(content.from_document(values), ABOUT))


@pytest.mark.parametrize("card", [CREDIT, MORTGAGE, FULL])
def test_a_card_is_a_valid_bill_and_comes_back(card):
    whole = content.from_document(card)
    body = cyclonedx.written(whole, ABOUT)
    valid(body)
    assert cyclonedx.read(json.loads(body)).content == whole


def test_the_same_card_is_the_same_bytes():
    whole = content.from_document(FULL)
    assert cyclonedx.written(whole, ABOUT) == cyclonedx.written(whole, ABOUT)


def test_another_card_has_another_number():
    one, other = (json.loads(cyclonedx.written(content.from_document(card), ABOUT)) for card in (FULL, CREDIT))
    assert one["serialNumber"] != other["serialNumber"]


def test_the_packages_of_the_version_stand_in_it_by_purl():
    bill = json.loads(cyclonedx.written(content.from_document(FULL), ABOUT))
    assert [row["purl"] for row in bill["components"] if row["type"] == "library"] == [
        "pkg:pypi/scikit-learn@1.7.2", "pkg:pypi/numpy",
    ]  # fmt: skip


def test_what_cyclonedx_has_words_for_stands_in_its_own_places():
    bill = json.loads(cyclonedx.written(content.from_document(FULL), ABOUT))
    card = bill["components"][0]["modelCard"]
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [
        {
            "type": "f1",
            "value": "0.9",
            "slice": "new",
            "confidenceInterval": {"lowerBound": "0.88", "upperBound": "0.92"},
        }
    ]
    assert card["considerations"]["fairnessAssessments"][0]["groupAtRisk"] == "new customers"
    assert [row["name"] for row in bill["components"] if row["type"] == "data"] == ["may", "june"]
    names = [row["name"] for row in bill["components"][0]["properties"]]
    assert {"assent:hyperparameters", "assent:human_oversight"} <= set(names)


def test_what_of_a_bill_is_about_something_else_is_listed():
    bill = json.loads(cyclonedx.written(content.from_document(FULL), ABOUT))
    assert [loss.path for loss in cyclonedx.read(bill).losses] == [
        "metadata", "dependencies", "components.3 (scikit-learn)", "components.4 (numpy)",
    ]  # fmt: skip


FOREIGN = {
    "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
    "components": [
        {"type": "library", "name": "torch"},
        {
            "type": "machine-learning-model", "name": "mood", "bom-ref": "m", "description": "How a text sounds.",
            "licenses": [{"license": {"id": "MIT"}}],
            "modelCard": {
                "modelParameters": {"approach": {"type": "supervised"}, "task": "sentiment",
                                    "datasets": [{"type": "dataset", "name": "IMDB test"}, {"ref": "d"}]},
                "considerations": {"useCases": ["one", "two"], "users": ["Ops"]},
                "quantitativeAnalysis": {"graphics": {"collection": [{"name": "roc", "image": {"content": "iVBO"}}]}},
            },
        },
        {"type": "data", "bom-ref": "d", "name": "IMDB", "data": [{"type": "dataset", "classification": "public"}]},
        {"type": "machine-learning-model", "name": "another"},
    ],
}  # fmt: skip


def test_a_bill_from_elsewhere_is_read_and_nothing_of_the_model_dropped():
    taken = cyclonedx.read(FOREIGN)
    values = dict(taken.content.values)
    extra = values.pop("extra")
    assert values == {"model_name": "mood", "license": "MIT", "users": ["Ops"], "intended_use": "- one\n- two",
                      "training_data": [{"name": "IMDB"}],
                      "test_data": [{"name": "IMDB test"}]}  # fmt: skip
    assert extra == {
        "description": "How a text sounds.", "modelCard.modelParameters.approach.type": "supervised",
        "modelCard.modelParameters.task": "sentiment",
        "modelCard.quantitativeAnalysis.graphics.collection": '[{"name": "roc"}]', "data.IMDB.classification": "public",
    }  # fmt: skip
    assert {loss.path for loss in taken.losses} == {
        "component.modelCard.quantitativeAnalysis.graphics.collection.0.image", "components.0 (torch)",
        "components.3 (another)",
    }  # fmt: skip


@pytest.mark.parametrize("bill", [
    {"bomFormat": "CycloneDX", "specVersion": "1.4", "components": []},
    {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "x"}]},
    {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": "many"},
    {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [7]},
])  # fmt: skip
def test_a_bill_without_a_card_is_refused(bill):
    with pytest.raises(Unreadable):
        cyclonedx.read(bill)


def test_a_property_of_ours_at_fault_is_named():
    model = {"type": "machine-learning-model", "name": "x", "properties": [{"name": "assent:date", "value": "soon"}]}
    with pytest.raises(CardRefused) as refused:
        cyclonedx.read({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [model]})
    assert list(refused.value.errors) == ["assent:date"]
