import pytest
from django.test import Client

from apps.approvals.models import DriftFinding
from apps.audit.actions import Source
from apps.audit.models import AuditEvent

DRIFT = "/api/v1/drift/"
ALIASES = "/api/v1/protected-aliases/"


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


def test_the_list_tells_a_finding_in_full(as_, drifted, bob):
    (row,) = as_(bob).get(DRIFT).json()["results"]
    wanted = ("model", "version", "kind", "state", "expected", "found", "decision", "sentence")
    assert [row[name] for name in wanted] == [
        "churn", 2, "stage", "open", "Staging", "Production", None,
        "MLflow has churn v2 in Production; it should be in Staging.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [("?settled=false", 1), ("?settled=true", 0), ("?kind=alias", 0), ("?state=open", 1), ("?model=churn", 1),
     ("?model=other", 0), ("?connection=default", 1), ("?connection=eu", 0)],
)  # fmt: skip
def test_the_list_is_narrowed(as_, drifted, bob, query, found):
    assert as_(bob).get(f"{DRIFT}{query}").json()["count"] == found


def test_an_unknown_filter_is_named(as_, drifted, bob):
    answer = as_(bob).get(f"{DRIFT}?colour=red")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "colour")


def test_one_finding_says_what_you_may_do(as_, drifted, alice):
    found = as_(alice).get(f"{DRIFT}{drifted.pk}/").json()
    assert [row["action"] for row in found["actions"] if row["refusal"] is None] == ["request"]
    assert found["who"].startswith("MLflow does not record")


def test_drift_is_settled_over_the_api(as_, drifted, bob):
    answer = post(as_(bob), f"{DRIFT}{drifted.pk}/accept/", reason="Agreed.", found="Production")
    assert (answer.status_code, answer.json()["state"], answer.json()["settled_by"]) == (200, "accepted", "bob")
    assert AuditEvent.objects.latest("id").source == Source.API


def test_a_revert_is_begun_over_the_api(as_, drifted, bob):
    assert post(as_(bob), f"{DRIFT}{drifted.pk}/revert/").json()["state"] == "reverting"


def test_a_request_is_opened_over_the_api(as_, drifted, alice, bob):
    found = post(as_(alice), f"{DRIFT}{drifted.pk}/request/", reason="It works.").json()
    assert (found["state"], found["request"]) == ("requested", DriftFinding.objects.get().request_id)


def test_accepting_without_a_reason_names_the_field(as_, drifted, bob):
    answer = post(as_(bob), f"{DRIFT}{drifted.pk}/accept/", found="Production")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "reason")


def test_aliases_are_protected_over_the_api(as_, admin):
    client = as_(admin)
    assert post(client, ALIASES, alias="champion", reason="Served.").status_code == 201
    assert [row["alias"] for row in client.get(ALIASES).json()["results"]] == ["champion"]
    assert post(client, f"{ALIASES}champion/unprotect/", reason="No longer.").status_code == 204
    assert client.get(ALIASES).json()["count"] == 0


def test_a_policy_says_whether_it_reverts_drift(as_, admin):
    body = {"stage": "Staging", "rules": [{"needed": 1}], "reason": "Start.", "revert_drift": True}
    assert post(as_(admin), "/api/v1/policies/", **body).json()["revert_drift"] is True
