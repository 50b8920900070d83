import pytest
from django.test import Client

from apps.approvals.models import ApprovalRequest, Review
from apps.audit.actions import Action, Outcome, Source
from apps.audit.models import AuditEvent
from tests.builders import make_model, make_version

REQUESTS = "/api/v1/requests/"


@pytest.fixture
def as_(db):
    """A signed-in client of a person."""

    def sign_in(user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


def post(client: Client, url: str, **body):
    return client.post(url, body, content_type="application/json")


def problem(response) -> tuple[int, str, list[str]]:
    body = response.json()
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, body["code"], [error["field"] for error in body["errors"]]


def ask(client: Client, version, /, **body):
    wanted = {"model": version.model.name, "version": version.number, "to_stage": "Production", "reason": "Better."}
    return post(client, REQUESTS, **wanted | body)


def test_a_promotion_goes_its_way_over_the_api(as_, version, policy, alice, bob):
    asked = ask(as_(alice), version)
    assert (asked.status_code, asked.json()["state"]) == (201, "open")
    url = f"{REQUESTS}{asked.json()['id']}/"
    seen = as_(bob).get(url).json()
    assert (seen["evidence"]["metrics"], seen["blockers"][0]["sentence"][:6], seen["who_could_approve"]) == (
        {"accuracy": "0.9"},
        "0 of 1",
        ["bob"],
    )
    assert [offer["refusal"] for offer in seen["actions"]] == [None] * 4
    said = post(as_(bob), f"{url}reviews/", verdict="approve", evidence_digest=seen["evidence_digest"])
    assert (said.status_code, said.json()["state"]) == (201, "approved")
    assert [row["reviewer"] for row in as_(alice).get(f"{url}reviews/").json()["results"]] == ["bob"]
    assert set(AuditEvent.objects.values_list("source", flat=True)) == {Source.API}


def test_a_stranger_is_told_that_nothing_is_there(as_, asked, version, mallory):
    client = as_(mallory)
    url = f"{REQUESTS}{asked.pk}/"
    answers = [
        client.get(url),
        client.get(f"{url}reviews/"),
        post(client, f"{url}reviews/", verdict="approve", evidence_digest=asked.evidence_digest),
        post(client, f"{url}withdraw/"),
        post(client, f"{url}retry/"),
        ask(client, version),
    ]
    assert [problem(answer)[:2] for answer in answers] == [(404, "not_found")] * 6
    assert client.get(REQUESTS).json()["results"] == []
    refusals = AuditEvent.objects.filter(actor="mallory", outcome=Outcome.REFUSED)
    assert refusals.count() == 4


def test_an_unknown_version_is_answered_like_a_hidden_one(as_, version, policy, alice):
    version.number = 77
    assert problem(ask(as_(alice), version)) == (404, "not_found", [])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"to_stage": "Prod"}, ["to_stage"]),
        ({"reason": ""}, ["reason"]),
        ({"reason": "x" * 5001}, ["reason"]),
        ({"reason": "a\0b"}, ["reason"]),
        ({"version": "two"}, ["version"]),
        ({"version": 10**20}, ["version"]),
        ({"archive_exsting": True}, ["archive_exsting"]),
        ({"archive_existing": "perhaps"}, ["archive_existing"]),
    ],
)
def test_what_is_wrong_in_a_request_is_named(as_, version, policy, alice, body, fields):
    assert problem(ask(as_(alice), version, **body)) == (400, "invalid", fields)
    assert not ApprovalRequest.objects.exists()


@pytest.mark.parametrize("body", ["", "[1]", "{", '"text"'])
def test_a_body_that_is_no_object_is_refused(as_, alice, body):
    answer = as_(alice).post(REQUESTS, body, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=done", "state"),
        ("colour=red", "colour"),
        ("mine=perhaps", "mine"),
        ("waiting=you", "waiting"),
        ("page=x", "page"),
        ("page=9", "page"),
        ("page_size=0", "page_size"),
    ],
)
def test_a_malformed_filter_is_named(as_, asked, bob, query, field):
    assert problem(as_(bob).get(f"{REQUESTS}?{query}")) == (400, "invalid", [field])


def test_filters_narrow_the_list(as_, asked, alice, bob, erin):
    def found(person, query: str) -> int:
        return as_(person).get(f"{REQUESTS}?{query}").json()["count"]

    assert [found(alice, query) for query in ("", "state=open", "state=applied")] == [1, 1, 0]
    assert [found(alice, query) for query in ("mine=true", "mine=false", "waiting=me")] == [1, 0, 0]
    assert [found(bob, query) for query in ("mine=true", "mine=false", "waiting=me")] == [0, 1, 1]
    assert [found(bob, query) for query in ("model=churn", "model=other")] == [1, 0]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"verdict": "maybe"}, (400, "invalid", ["verdict"])),
        ({"evidence_digest": "short"}, (400, "invalid", ["evidence_digest"])),
        ({"evidence_digest": "0" * 64}, (409, "conflict", ["evidence_digest"])),
        ({"verdict": "reject"}, (400, "invalid", ["comment"])),
    ],
)
def test_what_is_wrong_in_a_review_is_named(as_, asked, bob, body, expected):
    said = {"verdict": "approve", "evidence_digest": asked.evidence_digest} | body
    assert problem(post(as_(bob), f"{REQUESTS}{asked.pk}/reviews/", **said)) == expected
    assert not Review.objects.exists()


def test_a_review_sent_twice_is_one_review(as_, asked, bob):
    url, said = f"{REQUESTS}{asked.pk}/reviews/", {"verdict": "request_changes", "comment": "Explain."}
    answers = [post(as_(bob), url, evidence_digest=asked.evidence_digest, **said) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 409]
    assert Review.objects.count() == 1


def test_the_requester_withdraws(as_, asked, alice):
    answer = post(as_(alice), f"{REQUESTS}{asked.pk}/withdraw/", comment="Too early.")
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    assert AuditEvent.objects.get(action=Action.REQUEST_WITHDRAWN).reason == "Too early."


def test_a_retry_of_an_open_request_is_refused(as_, asked, alice):
    assert problem(post(as_(alice), f"{REQUESTS}{asked.pk}/retry/")) == (409, "wrong_state", [])


@pytest.mark.parametrize("url", [REQUESTS, f"{REQUESTS}?waiting=me"])
def test_a_list_takes_as_many_queries_for_ten_rows_as_for_one(
    as_, policy, alice, bob, url, django_assert_max_num_queries
):
    counts = []
    for rows in (1, 9):
        for _ in range(rows):
            assert ask(as_(alice), make_version(make_model(f"m{ApprovalRequest.objects.count()}"))).status_code == 201
        client = as_(bob)
        with django_assert_max_num_queries(50) as captured:
            client.get(url)
        counts.append(len(captured))
    assert counts[0] == counts[1]
