"""The page of the past, its exports, and the same over the API."""

import csv
import io
import json

import pytest
from django.test import Client

from apps.approvals.models import ApprovalRequest
from tests.approvals.history.conftest import in_production

PAGE, API = "/as-of/", "/api/v1/as-of/"
FIFTEEN = "2026-05-04T12:15"  # minute 15 of the tests' day


@pytest.fixture
def charlies(charlie) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


def results(client: Client, **query: str) -> list[tuple]:
    found = client.get(API, query).json()["results"]
    return [(row["model"], row["version"], row["target"]) for row in found]


def test_page_of_a_model_names_request_approvers_and_evidence(churn, charlies):
    text = charlies.get(PAGE, {"model": "churn", "date": FIFTEEN}).content.decode()
    wanted = [
        f'href="/requests/{ApprovalRequest.objects.get().pk}/"',
        "approved by erin",
        "abababababab",
        "at the latest",
    ]
    assert [part for part in wanted if part not in text] == []


def test_page_of_the_registry_shows_production(churn, charlies):
    in_production("fraud", 5)
    text = charlies.get(PAGE, {"date": FIFTEEN}).content.decode()
    assert [name in text for name in ("churn v2", "fraud v1", "churn v1")] == [True, True, False]


def test_page_without_a_moment_shows_now(churn, charlies):
    assert "churn v2" in charlies.get(PAGE, {"stage": "Staging"}).content.decode()


def test_model_page_leads_to_its_past(churn, charlies):
    assert 'href="/as-of/?model=churn"' in charlies.get("/models/churn/").content.decode()


BAD = ["yesterday", "2026-02-30", "2026-05-04T25:00", "2999-01-01", "1900-01-01", "0001-01-01T00:00+14:00", "²", "\0"]


@pytest.mark.parametrize("text", BAD)
def test_bad_moment_is_said_at_its_field(churn, charlies, text):
    page = charlies.get(PAGE, {"date": text})
    assert (page.status_code, list(page.context["form"].errors)) == (400, ["date"])
    assert charlies.get("/as-of/export.csv", {"date": text}).status_code == 400
    answer = charlies.get(API, {"at": text})
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, ["at"])


@pytest.mark.parametrize(
    "query", [{"stage": "Prod"}, {"stage": "None"}, {"cursor": "x"}, {"page_size": "0"}, {"x": "1"}]
)
def test_parameter_at_fault_is_named(churn, charlies, query):
    answer = charlies.get(API, query)
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, list(query))


@pytest.mark.parametrize(
    "moment", [FIFTEEN, "2026-05-04T12:15:00Z", "2026-05-04T14:15+02:00", "2026-05-04T05:15:00-07:00"]
)
def test_moment_is_utc_unless_it_names_its_zone(churn, charlies, moment):
    answer = charlies.get(API, {"model": "churn", "at": moment, "stage": "Production"}).json()
    assert (answer["at"], [row["version"] for row in answer["results"]]) == ("2026-05-04T12:15:00Z", [2])


def test_day_alone_is_its_beginning(churn, charlies):
    assert (results(charlies, at="2026-05-04"), results(charlies, at="2026-05-05")) == ([], [])
    assert results(charlies, at="2026-05-05", stage="Staging") == [("churn", 2, "Staging")]


def test_api_tells_one_version_in_full(churn, charlies):
    request = ApprovalRequest.objects.get()
    answer = charlies.get(API, {"at": FIFTEEN}).json()
    assert answer == {
        "at": "2026-05-04T12:15:00Z",
        "next": None,
        "previous": None,
        "results": [
            {
                "model": "churn",
                "version": 2,
                "target": "Production",
                "since": "2026-05-04T12:10:00Z",
                "at_latest": False,
                "until": "2026-05-04T12:20:00Z",
                "source": "assent",
                "request": request.pk,
                "requested_by": "alice",
                "approved_by": ["erin"],
                "evidence_digest": "ab" * 32,
                "deleted_at": None,
            }
        ],
    }


def test_next_page_stays_at_the_moment_of_the_first(churn, charlies):
    in_production("fraud", 5)
    first = charlies.get(API, {"at": FIFTEEN, "page_size": "1"}).json()
    second = charlies.get(first["next"]).json()
    assert (second["at"], [row["model"] for row in second["results"]], second["next"]) == (first["at"], ["fraud"], None)


def test_exports_hold_the_whole_list(churn, charlies):
    in_production("=fraud", 5)
    text = b"".join(charlies.get("/as-of/export.csv", {"date": FIFTEEN})).decode()
    head, *lines = csv.reader(io.StringIO(text))
    assert (head[:3], [line[:3] for line in lines]) == (
        ["model", "version", "target"],
        [["churn", "2", "Production"], ["'=fraud", "1", "Production"]],
    )
    written = json.loads(b"".join(charlies.get("/as-of/export.json", {"date": FIFTEEN})))
    assert written["results"] == charlies.get(API, {"at": FIFTEEN}).json()["results"]


def test_export_of_one_model_holds_its_aliases(churn, charlies):
    written = json.loads(b"".join(charlies.get("/as-of/export.json", {"date": FIFTEEN, "model": "churn"})))
    assert [row["target"] for row in written["results"]] == ["Production", "Archived", "@champion"]


@pytest.mark.parametrize("address", [PAGE, "/as-of/export.csv", "/as-of/export.json", API])
def test_hidden_model_answers_as_one_that_is_not_there(churn, mallory, address):
    client = Client()
    client.force_login(mallory)
    hidden, absent = (client.get(address, {"model": name}) for name in ("churn", "nothing"))
    assert (hidden.status_code, absent.status_code) == (404, 404)
