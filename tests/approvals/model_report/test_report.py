"""A model's report: in order, for whoever may read the model, the same on the page and in the files."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.approvals import services
from apps.approvals.model_report.lines import holders, lines, newest
from apps.approvals.models import DriftFinding
from apps.registry.models import Placement
from tests.builders import THEN, make_version

PAGE = "/models/churn/report/"


def browser(user) -> Client:
    client = Client()
    client.force_login(user, backend="apps.accounts.backends.PersonBackend")
    return client


def body(answer) -> str:
    return b"".join(answer.streaming_content).decode()


@pytest.fixture
def story(model, champion, asked, review, erin, bob):
    """Version 1 came to Production long ago and drifted; alice asked for version 2, erin and bob spoke."""
    Placement.objects.create(model=model, version=champion, stage="Production", since=THEN, source="mlflow")
    review("request_changes", by=erin, comment="=Add the calibration.")
    review("reject", by=bob, comment="Not this one.")
    finding = DriftFinding.objects.create(
        model=model, version=champion, kind="stage", expected="Production", found="Archived", state="accepted",
        settled_by="bob", settled_at=THEN + timedelta(days=400), reason="It is gone for good.",
    )  # fmt: skip
    DriftFinding.objects.filter(pk=finding.pk).update(first_seen_at=THEN + timedelta(days=1))
    return asked


def test_the_lines_stand_in_the_order_in_which_it_happened(story, charlie, model):
    found = [(line.what, line.said, line.version, line.who) for line in lines(charlie, model)]
    assert found == [
        ("placed", "mlflow", 1, ""),
        ("drifted", "stage", 1, ""),
        ("asked", "promotion", 2, "alice"),
        ("signed", "request_changes", 2, "erin"),
        ("signed", "reject", 2, "bob"),
        ("closed", "rejected", 2, ""),
        ("settled", "accepted", 1, "bob"),
    ]


def test_what_was_asked_and_signed_names_the_evidence_and_the_role(story, charlie, model):
    asked, signed = [line for line in lines(charlie, model) if line.what in ("asked", "signed")][:2]
    assert (asked.evidence_digest, asked.request, asked.reason) == (
        story.evidence_digest,
        story.pk,
        "Better on May data.",
    )
    assert (signed.evidence_digest, signed.role, signed.target) == (
        story.evidence_digest,
        "viewer, reviewer",
        "Production",
    )


def test_the_newest_lines_are_bounded_and_still_in_order(story, charlie, model):
    every = list(lines(charlie, model))
    assert newest(charlie, model, 3) == (every[-3:], True)
    assert newest(charlie, model, 7) == (every, False)


def test_a_draft_is_in_no_report(model, champion, policy, alice):
    version = make_version(model, 3)
    services.open_request(version.pk, "Production", reason="Not yet.", by=alice, draft=True)
    assert list(lines(alice, model)) == []


def test_everybody_who_holds_a_role_is_named_with_it(model, admin, bob, charlie, mallory):
    assert [(person.who, person.roles) for person in holders(model)] == [
        ("admin", ("admin",)),
        ("bob", ("ml_engineer", "reviewer")),
        ("charlie", ("viewer",)),
    ]


def test_the_page_tells_it_in_words(story, charlie):
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", browser(charlie).get(PAGE).content.decode()))
    said = ["Signed: Request changes", "Request ended: Rejected", "Came there, by MLflow", "Drift settled: Accepted"]
    assert [words for words in said if words not in page] == []


def test_the_files_hold_what_the_page_shows(story, charlie, model):
    client = browser(charlie)
    whole, over_api = (
        json.loads(body(client.get("/models/churn/report.json"))),
        client.get("/api/v1/models/churn/report/"),
    )
    rows = list(csv.DictReader(io.StringIO(body(client.get("/models/churn/report.csv")))))
    expected = [line.what for line in lines(charlie, model)]
    assert [line["what"] for line in whole["lines"]] == expected
    assert json.loads(body(over_api))["lines"] == whole["lines"]
    assert [row["what"] for row in rows] == expected + ["holds"] * len(whole["roles"])
    assert whole["roles"] == [{"who": person.who, "roles": list(person.roles)} for person in holders(model)]


def test_no_cell_of_the_table_is_a_formula(story, charlie):
    rows = csv.DictReader(io.StringIO(body(browser(charlie).get("/models/churn/report.csv"))))
    assert "'=Add the calibration." in [row["reason"] for row in rows]


@pytest.mark.parametrize(
    "path", [PAGE, "/models/churn/report.json", "/models/churn/report.csv", "/api/v1/models/churn/report/"]
)
def test_a_stranger_finds_no_report(story, mallory, path):
    assert browser(mallory).get(path).status_code == 404


def test_the_page_asks_the_same_number_of_queries_whatever_its_length(story, charlie, model, champion):
    client, counts = browser(charlie), []
    for more in (0, 20):
        for day in range(more):
            Placement.objects.create(
                model=model, version=champion, stage="Production", since=THEN + timedelta(days=day), source="mlflow",
                until=THEN + timedelta(days=day + 1),
            )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1]
