"""The demo's model cards, made from a real MLflow by the people of the demo."""

import pytest

from apps.audit.models import AuditEvent
from apps.demo import cards, people
from apps.modelcards import queries
from apps.modelcards.models import Card
from apps.registry import sync

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.mlflow]


@pytest.fixture
def seeded(mlflow_registry, settings, tmp_path) -> None:
    settings.DATA_DIR = tmp_path
    for name, risk in (("churn-classifier", "medium"), ("house-price", "low"), ("credit-risk", "high")):
        mlflow_registry.model(name, tags={"risk": risk})
        for _ in range(3):
            mlflow_registry.version(name, params={"estimator": "LogisticRegression"}, metrics={"accuracy": 0.9})
    sync.synchronise(requested_by="test")
    people.seed_people()
    cards.seed_cards(own_mlflow=True)


def card(name: str, number: int) -> Card:
    return Card.objects.select_related("version__model", "approved_by").get(
        version__model__name=name, version__number=number
    )


def outdated(found: Card) -> list[str]:
    return queries.outdated(found.version, queries.content_of(queries.revision(found)))


def test_one_is_approved_and_holds_all_that_production_asks(seeded):
    found = card(cards.MODEL, cards.APPROVED)
    assert queries.completeness(found, found.version.model.risk).missing == []
    assert (found.state, found.approved_by.username, outdated(found)) == ("approved", "erin", [])


def test_one_is_carried_over_to_be_confirmed(seeded):
    found = card(cards.MODEL, cards.CARRIED)
    state = queries.revision(found).states["intended_use"]
    assert (state["state"], state["source"]) == ("prefilled", "version 2")


def test_one_is_half_filled_and_one_is_out_of_step(seeded):
    assert queries.completeness(card(*cards.BEGUN), "low").percent < 100
    assert "performance_metrics" in outdated(card(*cards.OUTDATED))


def test_a_second_time_changes_nothing(seeded):
    events = AuditEvent.objects.count()
    cards.seed_cards(own_mlflow=True)
    assert AuditEvent.objects.count() == events


def test_models_that_are_not_there_have_no_cards(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    people.seed_people()
    cards.seed_cards(own_mlflow=True)
    assert Card.objects.count() == 0
