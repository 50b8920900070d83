"""Models found by the state of their card, and by what it lacks."""

import re

import pytest

from apps.modelcards import queries, requirements, services
from apps.modelcards.models import Card, CardState
from apps.modelcards.reading.beside import cards_shown
from apps.registry.inventory.filters import CLOSED
from apps.registry.inventory.pages import VALUE_LABELS
from apps.registry.models import ModelVersion, RegisteredModel
from tests.builders import make_model, make_version
from tests.modelcards.conftest import LACKING, PROSE
from tests.modelcards.whole import whole_card

pytestmark = pytest.mark.django_db
LOW = {**LACKING, "tradeoffs": ["Speed for accuracy."], "training_data": [{"name": "may", "digest": "d1"}]}


def found(client, person, query: str) -> list[str]:
    client.force_login(person)
    return [row["reference"] for row in client.get(f"/models/?{query}").context["rows"]]


def counted(client, person, query: str = "") -> dict[str, dict[str, int]]:
    client.force_login(person)
    panels = client.get(f"/models/?counts=on&{query}").context["panels"]["facets"]
    return {panel.name: {str(box.label): box.count for box in panel.boxes} for panel in panels}


def model(name: str, risk: str = "", stage: str = "None") -> RegisteredModel:
    made = make_model(name)
    make_version(made, 1, stage=stage, artifact_digest="f" * 64)
    RegisteredModel.objects.filter(pk=made.pk).update(risk=risk)
    return made


def write(by, name: str, values) -> None:
    base = queries.get_card(by, name, 1).number
    services.save(name, 1, services.Edit(values, confirm=frozenset(values)), base=base, by=by)


@pytest.fixture
def models(alice) -> None:
    """Models at each tier, in Production and not, with cards that have nothing, what Staging asks, and all."""
    for risk in ("", "low", " LOW ", "medium", "high", "critical"):
        for stage in ("None", "Production"):
            for much, values in {"no": {}, "some": PROSE, "more": {**PROSE, **LOW}, "all": None}.items():
                name = f"{risk.strip() or 'none'}{len(risk)}-{stage}-{much}".lower()
                model(name, risk, stage)
                if values is None:
                    whole_card(name, 1, by=alice)
                else:
                    services.start(name, 1, by=alice)
                    write(alice, name, values)
    model("no-card-at-all", "high", "Production")


def complete(model: RegisteredModel, card: Card | None) -> bool:
    stage = "Production" if model.production_number else "Staging"
    return card is not None and queries.completeness(card, model.risk, stage).complete


@pytest.mark.parametrize("levels", [None, {"language": {"low": "S", "high": "P"}, "limitations": {"high": "-"}}])
def test_models_are_found_by_what_their_column_says(client, alice, admin, models, levels):
    if levels:
        requirements.publish(levels, reason="Texts.", seen=0, by=admin)
    everything = list(RegisteredModel.objects.all())
    cards = cards_shown([one.pk for one in everything])
    wanted = {one.reference for one in everything if complete(one, cards.get(one.pk))}
    assert 0 < len(wanted) < len(everything)
    assert set(found(client, alice, "complete=yes")) == wanted
    assert set(found(client, alice, "complete=no")) == {one.reference for one in everything} - wanted


@pytest.mark.parametrize("state", CardState.values)
def test_models_are_found_by_the_state_of_their_card(client, alice, state):
    for other in CardState.values:
        model(other.replace("_", "-"))
        services.start(other.replace("_", "-"), 1, by=alice)
        Card.objects.filter(version__model__name=other.replace("_", "-")).update(
            state=other, **({"approved_number": 1, "approved_by": alice, "approved_at": "2026-01-01T00:00Z"}
                            if other == "approved" else {})
        )  # fmt: skip
    model("without")
    assert found(client, alice, f"card={state}") == [state.replace("_", "-")]
    assert found(client, alice, "card=none") == ["without"]
    assert counted(client, alice)["card"] == {"Draft": 1, "In review": 1, "Approved": 1, "Archived": 1, "None": 1}


def test_the_card_of_the_version_in_production_counts_and_not_a_newer_one(client, alice):
    made = model("churn", stage="Production")
    make_version(made, 2)
    services.start("churn", 2, by=alice)
    assert found(client, alice, "card=none") == ["churn"]


def test_without_any_card_there_is_nothing_to_choose_from(client, alice):
    model("churn")
    assert {"card", "complete"} & set(counted(client, alice)) == set()
    assert counted(client, alice, "card=none")["card"] == {"None": 1}


def test_the_counts_say_what_one_would_find(client, alice, models):
    counts = counted(client, alice, "risk=high")["complete"]
    assert counts == {
        "Nothing is missing": len(found(client, alice, "risk=high&complete=yes")),
        "Something is missing": len(found(client, alice, "risk=high&complete=no")),
    }


def test_a_view_shows_the_models_of_high_risk_whose_card_is_incomplete(client, alice):
    model("risky", "high", "Production")
    model("harmless", "low", "Production")
    client.force_login(alice)
    page = client.get("/models/").content.decode()
    link = re.search(r'href="/models/(\?[^"]+)"[^>]*>High risk, card incomplete', page)
    assert found(client, alice, link[1].removeprefix("?").replace("&amp;", "&")) == ["risky"]


def test_the_list_names_every_state_that_a_card_has():
    assert set(CLOSED["card"]) == {*CardState.values, "none"}
    assert {name: str(label) for name, label in CardState.choices} == {
        name: str(label) for name, label in VALUE_LABELS["card"].items() if name != "none"
    }


def test_the_api_finds_and_counts_by_cards_too(client, alice):
    model("churn", "high")
    services.start("churn", 1, by=alice)
    client.force_login(alice)
    assert [row["name"] for row in client.get("/api/v1/models/?card=draft&complete=no").json()["results"]] == ["churn"]
    facets = client.get("/api/v1/facets/").json()["facets"]
    assert facets["card"] == [{"value": "draft", "count": 1}]


def test_a_state_that_no_card_has_is_refused_by_name(client, alice):
    client.force_login(alice)
    assert client.get("/api/v1/models/?card=lost").status_code == 400


def test_cards_of_models_that_one_may_not_see_are_not_counted(client, mallory, alice):
    model("secret")
    services.start("secret", 1, by=alice)
    assert "card" not in counted(client, mallory)
    assert ModelVersion.objects.count() == 1
