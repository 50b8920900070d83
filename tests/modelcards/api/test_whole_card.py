"""PUT of a whole card: what differs is saved as the caller's, and nothing that they only repeat."""

import pytest

from apps.accounts.models import User
from apps.accounts.services import create_service_account
from apps.audit.models import AuditEvent
from apps.modelcards.models import Card, CardRevision
from apps.registry.models import RegisteredModel
from tests.modelcards.api.conftest import PATH, Caller
from tests.modelcards.conftest import PROSE, fill

pytestmark = pytest.mark.django_db
USE = "Supports the retention team in choosing whom to call first."


@pytest.fixture
def as_machine(admin, bob) -> Caller:
    account = create_service_account("ci", by=admin)
    account.groups.set(bob.groups.all())
    return Caller(User.objects.get(pk=account.pk))


def named(answer) -> set[str]:
    return {row["field"] for row in answer.json()["errors"]}


def test_what_was_read_and_sent_back_writes_nothing(as_alice, alice, document):
    fill(alice)
    events, document = AuditEvent.objects.count(), as_alice("GET").json()["document"]
    answer = as_alice("PUT", data=document)
    assert (answer.status_code, answer.json()["revision"], AuditEvent.objects.count()) == (200, 2, events)


def test_a_changed_field_is_saved_and_the_others_stay(as_alice, document):
    answer = as_alice("PUT", data=document | {"intended_use": USE}).json()
    assert (answer["revision"], answer["document"]["intended_use"]) == (2, USE)
    assert CardRevision.objects.latest("pk").parent == 1


def test_a_document_without_facts_keeps_them(as_alice, document):
    said = as_alice("PUT", data={"intended_use": USE}).json()["document"]
    assert (said["model_name"], said["hyperparameters"]) == (document["model_name"], document["hyperparameters"])


def test_prose_that_is_left_out_is_emptied(as_alice, document):
    as_alice("PUT", data=document | {"intended_use": USE})
    assert "intended_use" not in as_alice("PUT", data=document).json()["document"]


def test_numbers_and_bare_records_are_taken_as_a_script_has_them(as_alice, document):
    said = as_alice("PUT", data={"performance": {"f1": 0.91}, "authors": ["alice"]}).json()["document"]
    assert {row["name"]: row["value"] for row in said["performance_metrics"]} == {"accuracy": "0.9", "f1": "0.91"}
    assert said["authors"] == [{"name": "alice"}]


def test_another_value_for_a_fact_takes_a_reason(as_alice, document):
    refused = as_alice("PUT", data=document | {"hyperparameters": {"depth": "4"}})
    assert (refused.status_code, named(refused)) == (400, {"hyperparameters"})
    states = {"hyperparameters": {"state": "edited", "override": {"reason": "Set by a callback."}}}
    said = as_alice("PUT", data=document | {"hyperparameters": {"depth": "4"}, "states": states}).json()["document"]
    override = said["states"]["hyperparameters"]["override"]
    assert (override["fact"], override["by"]) == ({"depth": "3"}, "alice")


def test_who_confirmed_and_when_is_never_taken_from_the_body(as_alice, document):
    states = {"intended_use": {"state": "confirmed", "by": "erin", "at": "2001-01-01T00:00:00+00:00"}}
    said = as_alice("PUT", data=document | {"intended_use": USE, "states": states}).json()["document"]
    state = said["states"]["intended_use"]
    assert (state["by"], state["at"][:4] != "2001") == ("alice", True)


def test_a_confirmation_that_stood_stays_with_whoever_gave_it(as_alice, bob, document):
    fill(bob)
    before = as_alice("GET").json()["document"]
    after = as_alice("PUT", data=before | {"recommendations": ["Watch the drift of ages."]}).json()["document"]
    assert after["states"]["intended_use"] == before["states"]["intended_use"]
    assert after["states"]["intended_use"]["by"] == "bob"


def test_another_value_ends_the_confirmation(as_alice, bob, document):
    fill(bob)
    before = as_alice("GET").json()["document"]
    states = {name: state for name, state in before["states"].items() if name != "intended_use"}
    after = as_alice("PUT", data=before | {"intended_use": f"{USE} Daily.", "states": states}).json()["document"]
    assert after["states"]["intended_use"]["state"] == "edited"


def test_a_confirmation_is_taken_back_by_saying_so(as_alice, alice, document):
    fill(alice)
    before = as_alice("GET").json()["document"]
    states = before["states"] | {"intended_use": {"state": "edited"}}
    after = as_alice("PUT", data=before | {"states": states}).json()["document"]
    assert after["states"]["intended_use"]["state"] == "edited"


def test_what_does_not_apply_is_said_with_a_reason(as_alice, document):
    states = document["states"] | {"fairness": {"state": "not_applicable", "reason": "It scores machines."}}
    state = as_alice("PUT", data=document | {"states": states}).json()["document"]["states"]["fairness"]
    assert (state["reason"], state["by"]) == ("It scores machines.", "alice")
    again = as_alice("PUT", data=document).json()["document"]["states"]["fairness"]
    assert again == state


def test_every_field_at_fault_is_named(as_alice, document):
    answer = as_alice("PUT", data=document | {"task": "juggling", "date": "today", "poem": "x"})
    assert (answer.status_code, named(answer)) == (400, {"task", "date", "poem"})
    assert answer.json()["code"] == "card_invalid"


def test_without_if_match_nothing_is_written(as_alice, document):
    answer = as_alice("PUT", data=document | {"intended_use": USE}, match="")
    assert (answer.status_code, answer.json()["code"], Card.objects.get().number) == (428, "precondition_required", 1)


def test_if_match_with_a_star_names_no_revision(as_alice, document):
    answer = as_alice("PUT", data=document, match="", HTTP_IF_MATCH="*")
    assert answer.status_code == 428


@pytest.mark.parametrize("given", ["abc", '"a" "b"', "W/"])
def test_if_match_that_is_no_tag_is_refused_by_its_name(as_alice, document, given):
    answer = as_alice("PUT", data=document, match="", HTTP_IF_MATCH=given)
    assert (answer.status_code, named(answer)) == (400, {"If-Match"})


def test_another_revision_by_now_is_told_with_its_digest(as_alice, bob, document):
    read = Card.objects.get().digest
    newest = fill(bob).digest
    answer = as_alice("PUT", data=document | {"intended_use": USE}, match=read)
    assert (answer.status_code, answer["ETag"], Card.objects.get().number) == (412, f'"{newest}"', 2)
    assert newest in answer.json()["detail"]


@pytest.mark.parametrize("tag", ['W/"{0}"', '"zzz", "{0}"'])
def test_a_tag_that_a_proxy_weakened_and_a_list_of_tags_count(as_alice, document, tag):
    given = tag.format(Card.objects.get().digest)
    assert as_alice("PUT", data=document, match="", HTTP_IF_MATCH=given).status_code == 200


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"users": ["a"], "users": ["b"]}', "twice"),
        (b'{"intended_use": "\xff"}', "UTF-8"),
        (b'{"extra": {"Heading": "a", "Heading": "b"}}', "twice"),
        (b'{"intended_use": NaN}', "JSON"),
        (b"[]", "object"),
        (b'"card"', "object"),
    ],
)
def test_a_body_with_two_meanings_or_none_is_refused(as_alice, document, client, alice, body, word):
    client.force_login(alice)
    answer = client.put(PATH, body, "application/json", headers={"If-Match": f'"{Card.objects.get().digest}"'})
    assert (answer.status_code, word in answer.json()["detail"]) == (400, True), answer.content


def test_a_megabyte_of_prose_is_refused_on_its_field(as_alice, document):
    answer = as_alice("PUT", data={"intended_use": "word " * 200_000})
    assert (answer.status_code, named(answer)) == (400, {"intended_use"})


def test_ten_thousand_metrics_are_refused_on_their_field(as_alice, document):
    answer = as_alice("PUT", data={"performance_metrics": [{"name": f"m{n}", "value": n} for n in range(10_000)]})
    assert (answer.status_code, named(answer)) == (400, {"performance_metrics"})


def test_a_service_account_fills_in(as_machine, document):
    answer = as_machine("PUT", data=document | {"intended_use": USE})
    assert (answer.status_code, answer.json()["document"]["states"]["intended_use"]) == (200, {"state": "edited"})


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("intended_use", {"state": "confirmed", "by": "alice"}),
        ("fairness", {"state": "not_applicable", "reason": "It scores machines."}),
    ],
)
def test_a_service_account_settles_nothing(as_machine, document, name, state):
    said = {"intended_use": USE, "states": document["states"] | {name: state}}
    answer = as_machine("PUT", data=document | said)
    assert (answer.status_code, answer.json()["code"], name in answer.json()["detail"]) == (403, "rule_violation", True)
    assert Card.objects.get().number == 1


def test_a_service_account_repeats_what_people_settled(as_machine, alice, document):
    fill(alice)
    before = as_machine("GET").json()["document"]
    answer = as_machine("PUT", data=before | {"recommendations": ["Watch the drift of ages."]})
    assert answer.status_code == 200
    assert answer.json()["document"]["states"]["intended_use"]["by"] == "alice"


def test_the_settled_value_of_a_person_is_not_kept_settled_by_a_service_account(as_machine, alice, document):
    fill(alice)
    before = as_machine("GET").json()["document"]
    answer = as_machine("PUT", data=before | {"intended_use": f"{USE} Daily."})
    assert (answer.status_code, Card.objects.get().number) == (403, 2)


def test_a_credential_in_a_body_is_masked(as_alice, document):
    said = as_alice("PUT", data=document | {"references": ["https://alice:secret@example.com/x"]}).json()
    assert said["document"]["references"] == ["https://…@example.com/x"]


def test_prose_for_all_that_staging_asks_makes_the_card_complete(as_alice, document):
    RegisteredModel.objects.update(risk="low")
    states = document["states"] | {name: {"state": "confirmed"} for name in PROSE}
    answer = as_alice("PUT", data=document | PROSE | {"states": states}).json()
    assert answer["completeness"][0] == {
        "stage": "Staging", "percent": 100, "wanted": answer["completeness"][0]["wanted"], "missing": [],
        "requirement_set": 0,
    }  # fmt: skip


def test_a_metric_that_was_logged_since_is_not_confirmed_by_sending_the_card_again(as_alice, alice, card):
    rows = as_alice("GET").json()["document"]["performance_metrics"]
    fill(alice, values={"performance_metrics": [{**rows[0], "threshold": "0.8"}]})
    before = as_alice("GET").json()["document"]
    card.version.metrics = {"accuracy": 0.9, "recall": 0.1}
    card.version.save()
    after = as_alice("PUT", data=before | {"recommendations": ["Watch the drift of ages."]}).json()["document"]
    assert [row["name"] for row in after["performance_metrics"]] == ["accuracy", "recall"]
    assert after["states"]["performance_metrics"]["state"] == "edited"


def test_a_metric_that_nobody_read_is_not_confirmed(as_alice, document, card):
    card.version.metrics = {"accuracy": 0.1}
    card.version.save()
    answer = as_alice("PATCH", data={"confirm": ["performance_metrics"]})
    assert (answer.status_code, named(answer)) == (400, {"performance_metrics"})
