from datetime import timedelta

from django.test import Client
from django.utils import timezone

from apps.approvals.exceptional import after_review
from apps.approvals.models import ApprovalRequest
from tests.approvals.exceptional.conftest import REASON, applied, digest
from tests.builders import make_policy
from tests.conftest import PASSWORD

ROLLBACK = "/api/v1/models/churn/rollback/"


def post(client: Client, url: str, **body):
    return client.post(url, body, content_type="application/json")


def test_two_people_take_it_past_its_policy(as_, asked, emergency, bob, admin):
    url, words = f"/api/v1/requests/{asked.pk}/bypass/", {"password": PASSWORD, "evidence_digest": digest(asked)}
    answer = post(as_(bob), url, reason=REASON, ticket="OPS-17", **words)
    assert (answer.status_code, answer.json()["state"]) == (200, "open")
    answer = post(as_(bob), f"{url}confirm/", **words)
    assert (answer.status_code, answer.json()["code"]) == (403, "rule_violation")
    answer = post(as_(admin), f"{url}confirm/", **words)
    assert (answer.status_code, answer.json()["state"]) == (200, "approved")


def test_a_wrong_password_is_named(as_, asked, emergency, bob):
    words = {"reason": REASON, "ticket": "OPS-17", "password": "guess", "evidence_digest": digest(asked)}
    answer = post(as_(bob), f"/api/v1/requests/{asked.pk}/bypass/", **words)
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, ["password"])


def test_a_bypass_is_dropped(as_, ask, asked, bob):
    ask()
    url = f"/api/v1/requests/{asked.pk}/bypass/drop/"
    assert [post(as_(bob), url).status_code, post(as_(bob), url).status_code] == [200, 409]


def test_what_is_owed_is_listed_counted_and_given(as_, bypassed, erin):
    (row,) = as_(erin).get("/api/v1/after-reviews/").json()["results"]
    assert (row["request"], row["model"], row["version"], row["target"], row["bypassed"]) == (
        bypassed.pk, "churn", 2, "Production", True,
    )  # fmt: skip
    month = f"{timezone.now():%Y-%m}"
    assert as_(erin).get("/api/v1/exceptions/").json() == {
        "owed": 1, "overdue": 0, "not_ratified": 0, "ending": 0, "bypasses": [{"month": month, "bypasses": 1}],
    }  # fmt: skip
    url = f"/api/v1/requests/{bypassed.pk}/after-review/"
    assert post(as_(erin), url, ratified=True, comment="Fine.").status_code == 400
    words = {"ratified": True, "comment": "Fine.", "evidence_digest": digest(bypassed)}
    assert post(as_(erin), url, **words).status_code == 200
    assert as_(erin).get("/api/v1/after-reviews/").json()["count"] == 0


def test_what_was_not_ratified_is_counted_while_it_stays(as_, bypassed, erin):
    after_review.review(bypassed.pk, "not_ratified", comment="No.", evidence_digest=digest(bypassed), by=erin)
    assert as_(erin).get("/api/v1/exceptions/").json()["not_ratified"] == 1


def test_a_stranger_sees_and_counts_nothing(as_, bypassed, mallory):
    assert as_(mallory).get("/api/v1/after-reviews/").json()["count"] == 0
    assert as_(mallory).get("/api/v1/exceptions/").json() == {
        "owed": 0, "overdue": 0, "not_ratified": 0, "ending": 0, "bypasses": [],
    }  # fmt: skip


def test_an_approval_that_ends_is_listed_and_certified(as_, asked, erin):
    policy = make_policy(model=asked.version.model, recertify_days=90)
    applied(asked, recertify_by=timezone.now() + timedelta(days=3), policy=policy)
    (row,) = as_(erin).get("/api/v1/recertifications/").json()["results"]
    assert (row["request"], row["standing"], row["lapsed_at"]) == (asked.pk, "due", None)
    answer = post(as_(erin), f"/api/v1/requests/{asked.pk}/recertify/", evidence_digest=digest(asked))
    assert (answer.status_code, as_(erin).get("/api/v1/recertifications/").json()["count"]) == (200, 0)


def test_targets_are_listed_with_why_others_are_none(as_, former, charlie):
    ApprovalRequest.objects.filter(pk=former.pk).update(lapsed_at=timezone.now())
    (row,) = as_(charlie).get(f"{ROLLBACK}?stage=Production").json()
    assert (row["version"], row["request"], row["possible"], row["refusal"]) == (
        1, former.pk, False, f"Its approval (request {former.pk}) has ended and was not certified anew.",
    )  # fmt: skip


def test_a_rollback_answers_with_its_request(as_, former, bob):
    answer = post(as_(bob), ROLLBACK, stage="Production", reason="Version 2 scores nobody.")
    assert (answer.status_code, answer.json()["version"], answer.json()["state"]) == (201, 1, "approved")


def test_a_rollback_names_one_place(as_, former, bob):
    for body in ({}, {"stage": "Production", "alias": "champion"}, {"stage": "Archived"}):
        answer = post(as_(bob), ROLLBACK, reason="Version 2 scores nobody.", **body)
        assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) in (
            (400, ["stage"]),
            (400, ["alias"]),
        )
    assert as_(bob).get(ROLLBACK).status_code == 400
