"""The check of the model card: what the stage and the risk tier ask of it."""

import pytest

from apps.approvals import checks, evidence, services
from apps.approvals.models import Review, Scope
from apps.modelcards import lifecycle, queries, requirements
from apps.modelcards import services as cards
from apps.modelcards.filling import Edit
from apps.registry.models import RegisteredModel
from tests.modelcards.conftest import LACKING, PROSE

MORE = {**LACKING, "tradeoffs": ["Speed for accuracy."], "training_data": [{"name": "may", "digest": "d1"}]}


@pytest.fixture
def written(version, alice):
    """Version 2 with a card that has what Staging asks of a model of the tier low."""
    RegisteredModel.objects.update(risk="low")
    version.artifact_digest = "f" * 64
    version.save()
    cards.start("churn", 2, by=alice)
    write(alice, PROSE)
    version.model.refresh_from_db()
    return version


def write(by, values) -> None:
    base = queries.get_card(by, "churn", 2).number
    cards.save("churn", 2, Edit(values, confirm=frozenset(values)), base=base, by=by)


def outcome(version, stage: str) -> tuple[str, str]:
    result = next(row for row in checks.run(version, stage) if row.name == "card")
    return result.outcome.value, result.detail


def test_a_card_with_all_that_the_stage_asks_passes(written):
    assert outcome(written, "Staging")[0] == "pass"


def test_what_production_asks_besides_is_named(written):
    said, detail = outcome(written, "Production")
    assert (said, "Limitations, Trade-offs" in detail) == ("fail", True)


def test_a_card_with_all_that_production_asks_passes(written, alice):
    write(alice, MORE)
    assert outcome(written, "Production")[0] == "pass"
    assert outcome(written, "")[0] == "pass"  # on the way to an alias


def test_a_model_without_a_tier_is_asked_as_one_of_the_tier_high(written, alice):
    write(alice, MORE)
    RegisteredModel.objects.update(risk="")
    written.model.refresh_from_db()
    assert "Human oversight" in outcome(written, "Production")[1]


def test_a_stricter_set_of_requirements_counts_at_once(written, admin):
    requirements.publish({"language": {"low": "S"}}, reason="Texts.", seen=0, by=admin)
    assert "Language" in outcome(written, "Staging")[1]


def test_the_card_is_part_of_what_is_signed(written, champion, policy, alice, erin):
    request = services.open_request(written.pk, "Production", reason="Better.", by=alice)
    card = queries.get_card(alice, "churn", 2)
    assert request.evidence["card"] == {"revision": card.number, "digest": card.digest}
    write(alice, MORE)
    assert [change.field for change in evidence.changes(request.evidence, evidence.of(request))] == [
        "card.digest", "card.revision", "checks.card",
    ]  # fmt: skip
    assert evidence.scope_of("card.digest") == Scope.CARD
    assert Review.objects.count() == 0


def looked_at(version) -> str:
    return checks.run(version, "Staging")[0].inputs


def test_another_risk_tier_is_another_thing_to_look_at(written):
    before = looked_at(written)
    RegisteredModel.objects.update(risk="high")
    written.model.refresh_from_db()
    assert looked_at(written) != before


def test_another_set_of_requirements_is_another_thing_to_look_at(written, admin):
    before = looked_at(written)
    requirements.publish({"language": {"low": "S"}}, reason="Texts.", seen=0, by=admin)
    assert looked_at(written) != before


def test_a_card_in_the_archive_does_not_count(written, bob):
    card = queries.get_card(bob, "churn", 2)
    lifecycle.take("archive", "churn", 2, seen=card.digest, by=bob, reason="Out of use.")
    said, detail = outcome(written, "Staging")
    assert (said, "archived" in detail) == ("fail", True)
    lifecycle.take("restore", "churn", 2, seen=card.digest, by=bob)
    assert outcome(written, "Staging")[0] == "pass"
