"""Hugging Face READMEs: read by the hub's own library, and back without loss but how fields stand."""

import pytest
from huggingface_hub import ModelCard
from hypothesis import given, settings

from apps.modelcards import content
from apps.modelcards.content import CardRefused
from apps.modelcards.formats import hub
from tests.modelcards.examples import CREDIT, MORTGAGE
from tests.modelcards.test_content import CARDS

METRICS = [
    {"name": "Accuracy", "value": "0.892", "dataset": "june", "direction": "higher"},
    {"name": "F1 Score", "value": "0.90", "dataset": "june"},
    {"name": "ROC AUC", "value": "about 0.9"},
]
README = """---
language:
- en
- ja
license: apache-2.0
library_name: transformers
pipeline_tag: text-classification
tags:
- sentiment
datasets:
- imdb
base_model: bert-base-uncased
model-index:
- name: mood
  results:
  - task:
      type: text-classification
    dataset:
      name: IMDB
      type: imdb
      split: test
    metrics:
    - type: accuracy
      value: 0.93
      name: Accuracy
---

# Model Card for mood

Says how a text sounds.

## Uses

### Direct Use

Sorting reviews.

### Out-of-Scope Use

- Judging people

## Bias, Risks, and Limitations

English only.
"""


@given(CARDS)
@settings(deadline=None, max_examples=60)
def test_a_card_comes_back_from_its_readme_but_for_what_is_listed(values):
    card = content.from_document(values)
    taken = hub.read(hub.written(card).decode())
    assert taken.content.values == card.values
    assert taken.losses == ()


@pytest.mark.parametrize("card", [CREDIT, MORTGAGE])
def test_the_customers_cards_come_back_from_their_readme(card):
    whole = content.from_document(card)
    assert hub.read(hub.written(whole).decode()).content == whole


def test_how_fields_stand_is_listed_as_lost():
    card = content.from_document({"users": ["Ops"], "states": {"users": {"state": "confirmed", "by": "bob"}}})
    assert [loss.path for loss in hub.lost(card)] == ["states.users"]


def test_the_hubs_own_library_reads_the_metrics():
    card = content.from_document(
        {"model_name": "churn", "task": "tabular-classification", "performance_metrics": METRICS}
    )
    data = ModelCard(hub.written(card).decode()).data
    found = [(row.metric_name, row.metric_value, row.dataset_name, row.task_type) for row in data.eval_results]
    assert found == [
        ("Accuracy", 0.892, "june", "tabular-classification"),
        ("F1 Score", "0.90", "june", "tabular-classification"),
        ("ROC AUC", "about 0.9", "unspecified", "tabular-classification"),
    ]


def test_what_the_hubs_own_library_writes_again_is_read_the_same():
    said = {"model_name": "churn", "license": "MIT", "version": "3", "intended_use": "Calling."}
    card = content.from_document(said | {"performance_metrics": METRICS, "task": "tabular-classification"})
    again = str(ModelCard(hub.written(card).decode()))
    assert hub.read(again).content == card


def test_a_readme_from_elsewhere_is_read_and_nothing_of_it_dropped():
    values = hub.read(README).content.values
    extra = values.pop("extra")
    assert values == {
        "model_name": "mood", "language": "en, ja", "license": "Apache-2.0", "runtime": {"flavors": "transformers"},
        "task": "text-classification", "training_data": [{"name": "imdb"}],
        "performance_metrics": [{"name": "Accuracy", "value": "0.93", "dataset": "IMDB"}],
        "intended_use": "Sorting reviews.", "out_of_scope_use": ["Judging people"], "limitations": ["English only."],
    }  # fmt: skip
    assert (extra["tags"], extra["base_model"]) == ('["sentiment"]', "bert-base-uncased")
    assert '"split": "test"' in extra["model-index"]
    assert extra["Introduction"] == "Says how a text sounds."


def test_a_metric_that_somebody_changed_in_the_hubs_part_alone_is_kept_beside():
    card = content.from_document({"performance_metrics": METRICS})
    text = hub.written(card).decode().replace("value: 0.892", "value: 0.999")
    taken = hub.read(text).content
    assert taken.values["performance_metrics"][0]["value"] == "0.892"
    assert "0.999" in taken.values["extra"]["model-index"]


def test_a_field_of_governance_at_fault_is_named():
    with pytest.raises(CardRefused) as refused:
        hub.read("---\nlicense: mit\ngovernance:\n  date: yesterday\n---\n")
    assert list(refused.value.errors) == ["governance.date"]
