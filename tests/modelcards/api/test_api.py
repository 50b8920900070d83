"""Cards over the API: read, started, edited, taken further, commented."""

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import create_service_account
from apps.modelcards import services
from apps.modelcards.models import Card, CardComment, RequirementSet
from apps.registry.models import RegisteredModel
from tests.builders import make_model, make_version
from tests.modelcards.api.conftest import Caller
from tests.modelcards.conftest import PROSE, fill

pytestmark = pytest.mark.django_db
SETS = "/api/v1/cards/requirements/"


def test_there_is_no_card_before_it_is_started(version, as_alice):
    assert as_alice("GET").status_code == 404
    answer = as_alice("POST")
    assert (answer.status_code, answer.json()["revision"]) == (201, 1)
    assert answer["ETag"] == f'"{answer.json()["digest"]}"'


def test_a_card_is_started_once(card, as_alice):
    assert as_alice("POST").status_code == 409


def test_a_card_says_how_far_it_is(card, as_alice):
    said = as_alice("GET").json()
    assert (said["state"], said["tier"], said["outdated"], said["steps"]) == ("draft", "high", [], ["submit"])
    missing = {row["field"]: row["standing"] for row in said["completeness"][0]["missing"]}
    assert (missing["intended_use"], missing["authors"]) == ("empty", "unconfirmed")


def test_a_card_says_what_mlflow_has_otherwise_now(card, as_alice):
    card.version.params = {"depth": "4"}
    card.version.save()
    assert as_alice("GET").json()["outdated"] == ["hyperparameters"]
    assert as_alice("POST", "refresh/").json()["document"]["hyperparameters"] == {"depth": "4"}


def test_the_facts_are_taken_anew_of_the_revision_that_was_read(card, as_alice):
    assert as_alice("POST", "refresh/", match="0" * 64).status_code == 412


def test_some_fields_are_saved_and_confirmed(card, as_alice):
    said = as_alice("PATCH", data={"values": PROSE, "confirm": list(PROSE), "note": "From the notebook."}).json()
    assert said["document"]["states"]["users"]["state"] == "confirmed"
    assert as_alice("GET", "revisions/").json()["results"][0]["note"] == "From the notebook."


def test_a_metric_of_a_slice_is_added_beside_those_of_the_run(card, as_alice):
    row = {"name": "accuracy", "value": "0.8", "slice": "under 25"}
    said = as_alice("PATCH", data={"values": {"performance_metrics": [row]}}).json()["document"]
    assert [metric["value"] for metric in said["performance_metrics"]] == ["0.9", "0.8"]


def test_an_unknown_field_is_named(card, as_alice):
    answer = as_alice("PATCH", data={"values": {"poem": "x"}, "confirm": ["verse"]})
    assert {row["field"] for row in answer.json()["errors"]} == {"poem", "verse"}


def test_an_unknown_key_of_an_edit_is_named(card, as_alice):
    answer = as_alice("PATCH", data={"value": {}, "state": "approved"})
    assert {row["field"] for row in answer.json()["errors"]} == {"value", "state"}


def test_a_stranger_is_told_of_no_card(card, mallory):
    ask = Caller(mallory)
    calls = [("GET", ""), ("PUT", ""), ("PATCH", ""), ("POST", ""), ("POST", "refresh/"), ("GET", "revisions/"),
             ("GET", "revisions/1/"), ("GET", "comments/")]  # fmt: skip
    assert {ask(method, path).status_code for method, path in calls} == {404}


def test_a_viewer_writes_no_card(card, charlie):
    ask = Caller(charlie)
    calls = [("PUT", "", {"users": ["x"]}), ("PATCH", "", {"values": {"users": ["x"]}}), ("POST", "refresh/", None),
             ("POST", "step/", {"step": "submit", "digest": Card.objects.get().digest}),
             ("POST", "comments/", {"section": "use", "body": "Hm."})]  # fmt: skip
    assert {ask(*call).status_code for call in calls} == {403}


def test_a_token_that_reads_writes_no_card(card, alice):
    ask = Caller(alice, scope="read")
    assert (ask("GET").status_code, ask("PATCH", data={"values": {"users": ["x"]}}).status_code) == (200, 403)


def test_a_token_for_another_model_knows_no_card(card, alice):
    make_model("other")
    assert Caller(alice, models=("other",))("GET").status_code == 404


def test_requirements_are_published_by_a_token_that_administers(admin, version):
    said = {"levels": {"language": {"low": "P"}}, "reason": "Ours are in many.", "seen": 0}
    assert Caller(admin)("POST", SETS, said).status_code == 403
    answer = Caller(admin, scope="admin")("POST", SETS, said)
    assert (answer.status_code, answer.json()["levels"]["language"]["low"]) == (201, "P")


def test_requirement_sets_are_listed_and_read(admin, as_alice):
    built_in = as_alice("GET", f"{SETS}current/").json()
    assert (built_in["number"], built_in["published_by"]) == (0, None)
    RequirementSet.objects.create(number=1, levels={"language": {"low": "P"}}, reason="Start.", published_by=admin)
    assert as_alice("GET", f"{SETS}current/").json()["number"] == 1
    assert [row["number"] for row in as_alice("GET", SETS).json()["results"]] == [1]
    assert as_alice("GET", f"{SETS}0/").json()["levels"] == built_in["levels"]
    assert as_alice("GET", f"{SETS}9/").status_code == 404


def test_a_level_that_there_is_not_is_named(admin):
    said = {"levels": {"language": {"low": "X"}}, "reason": "Why not.", "seen": 0}
    answer = Caller(admin, scope="admin")("POST", SETS, said)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "levels")


def test_a_card_goes_its_way(card, alice, erin, as_alice):
    RegisteredModel.objects.update(risk="low")
    digest = fill(alice).digest
    assert as_alice("POST", "step/", {"step": "submit", "digest": digest}).json()["state"] == "in_review"
    assert as_alice("POST", "step/", {"step": "approve", "digest": digest}).status_code == 403
    said = Caller(erin)("POST", "step/", {"step": "approve", "digest": digest}).json()
    assert (said["state"], said["approved_by"], said["approved_number"]) == ("approved", "erin", 2)


def test_a_step_is_of_the_revision_that_was_read(card, as_alice):
    answer = as_alice("POST", "step/", {"step": "submit", "digest": "0" * 64})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_an_unknown_step_is_refused(card, as_alice):
    answer = as_alice("POST", "step/", {"step": "publish", "digest": "0" * 64})
    assert answer.json()["errors"][0]["field"] == "step"


def test_revisions_are_listed_newest_first_and_read(card, alice, as_alice):
    fill(alice)
    assert [row["number"] for row in as_alice("GET", "revisions/").json()["results"]] == [2, 1]
    first = as_alice("GET", "revisions/1/")
    assert ("users" in first.json()["document"], first["ETag"]) == (False, f'"{first.json()["digest"]}"')
    assert as_alice("GET", "revisions/3/").status_code == 404


def test_a_comment_is_added_listed_and_resolved(card, erin, as_alice):
    said = Caller(erin)("POST", "comments/", {"section": "use", "body": "Who is called?"})
    assert (said.status_code, said.json()["author"]) == (201, "erin")
    done = as_alice("POST", f"comments/{said.json()['id']}/resolve/")
    assert (done.status_code, done.json()["resolved_by"]) == (200, "alice")
    assert as_alice("GET", "comments/?open=true").json()["results"] == []
    assert as_alice("GET", "comments/?open=false").json()["count"] == 1


def test_a_comment_of_another_card_is_not_resolved_here(card, alice, as_alice):
    make_version(card.version.model, 2)
    services.start("churn", 2, by=alice)
    other = Card.objects.get(version__number=2)
    row = CardComment.objects.create(card=other, section="use", number=1, body="Hm.", author=alice)
    assert as_alice("POST", f"comments/{row.pk}/resolve/", match="0" * 64).status_code == 404


def test_the_database_keeps_service_accounts_out_of_what_people_decide(card, admin, alice):
    machine = User.objects.get(pk=create_service_account("ci", by=admin).pk)
    row = CardComment.objects.create(card=card, section="use", number=1, body="Hm.", author=alice)
    now = timezone.now()
    approved = {"approved_number": 1, "approved_by": machine, "approved_at": now}
    writes = [
        lambda: Card.objects.update(**approved),
        lambda: CardComment.objects.update(author=machine),
        lambda: CardComment.objects.filter(pk=row.pk).update(resolved_by=machine, resolved_at=now),
        lambda: CardComment.objects.create(card=card, section="use", number=1, body="Hm.", author=machine),
        lambda: RequirementSet.objects.create(number=1, levels={}, reason="Start.", published_by=machine),
    ]
    for write in writes:
        with pytest.raises(DatabaseError), transaction.atomic():
            write()
