"""The gate over the API: one answer for pipelines, cheap to ask again, silent about what one may not see."""

from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.accounts.services import create_token
from apps.approvals.models import ApprovalRequest
from apps.registry.models import ModelVersion, SyncRun

GATE = "/api/v1/gate/"
ASKED = {"model": "churn", "version": "2", "target": "Production"}


@pytest.fixture
def charlies(charlie) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


def ask(client: Client, path: str = GATE, etag: str = "", **query: str) -> HttpResponse:
    return client.get(path, ASKED | query, headers={"If-None-Match": etag} if etag else {})


def test_allow_says_what_it_rests_on(applied, charlies):
    until = timezone.now() + timedelta(days=3)
    ApprovalRequest.objects.update(recertify_by=until)
    answer = ask(charlies)
    assert (answer.status_code, answer["Cache-Control"], answer["Vary"]) == (
        200,
        "private, no-cache",
        "Authorization, Cookie, Accept-Language",
    )
    assert answer.json() == {
        "decision": "allow",
        "model": "churn",
        "version": 2,
        "target": "Production",
        "reasons": [],
        "request": applied.pk,
        "policy": applied.policy_id,
        "policy_version": 1,
        "evidence_digest": applied.evidence_digest,
        "valid_until": (until + timedelta(days=7)).isoformat().replace("+00:00", "Z"),
    }


def test_deny_names_remedies_with_whole_addresses(asked, fresh, charlies):
    first = ask(charlies).json()["reasons"][0]
    assert first == {
        "code": "not_applied",
        "severity": "deny",
        "sentence": f"Request {asked.pk} for Production is not applied. It stands at: Waiting for review.",
        "remedy": "See what it waits for.",
        "url": f"http://testserver/requests/{asked.pk}/",
    }


def test_address_works_without_its_last_slash(applied, charlies):
    assert ask(charlies, "/api/v1/gate").json() == ask(charlies).json()


def test_asking_again_with_the_etag_costs_no_answer(applied, charlies):
    etag = ask(charlies)["ETag"]
    again = ask(charlies, etag=etag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)


def test_etag_changes_with_the_decision(applied, charlies):
    etag = ask(charlies)["ETag"]
    ModelVersion.objects.filter(number=2).update(stage="Archived")
    assert (ask(charlies, etag=etag).status_code, ask(charlies)["ETag"] == etag) == (200, False)


def test_etag_stays_while_the_mirror_grows_older(applied, charlies):
    SyncRun.objects.update(finished_at=timezone.now() - timedelta(hours=1))
    etag = ask(charlies)["ETag"]
    assert ask(charlies, etag=etag).status_code == 304


def test_approved_is_enough_where_the_pipeline_says_so(asked, review, erin, fresh, charlies):
    review("approve", erin)
    assert [ask(charlies, accept=accept).json()["decision"] for accept in ("applied", "approved")] == ["deny", "allow"]


def test_hidden_model_answers_as_one_that_is_not_there(applied, charlies, mallory):
    stranger = Client()
    stranger.force_login(mallory)
    hidden, absent = ask(stranger), ask(charlies, model="nothing")
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.json() == absent.json()


def test_hidden_version_looks_the_same_whatever_its_number(applied, mallory):
    stranger = Client()
    stranger.force_login(mallory)
    assert ask(stranger).json() == ask(stranger, version="99").json()


def test_token_that_reads_may_ask(applied, charlie):
    token = create_token("ci", by=charlie).text
    answer = Client().get(GATE, ASKED, headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["decision"] == "allow"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"target": "production"}, "target"),
        ({"target": ""}, "target"),
        ({"target": "@"}, "target"),
        ({"version": "x"}, "version"),
        ({"version": "0"}, "version"),
        ({"version": str(2**64)}, "version"),
        ({"model": ""}, "model"),
        ({"model": "a\0"}, "model"),
        ({"accept": "all"}, "accept"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_parameter_at_fault_is_named(applied, charlies, query, field):
    answer = ask(charlies, **query)
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, [field])
