"""Counts over more models than are judged in a request: a worker makes them, and they are kept for whoever asked."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.services import create_token
from apps.compliance.clauses import coverage as covering
from apps.compliance.controls.configuring import configure
from apps.compliance.controls.outcomes import Outcome
from apps.compliance.matrix import keeping, queries
from apps.compliance.matrix.queries import Wanted
from apps.compliance.models import KeptCount
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from tests.builders import make_model
from tests.compliance.test_matrix import grant, signed_in

COUNTS = "/api/v1/compliance/counts/?control=events"
CLAUSES = "/api/v1/compliance/clauses/"
PAGE = "/compliance/?counts=on"


@pytest.fixture(autouse=True)
def many(monkeypatch, settings):
    """Any number of models is many, and answers are kept."""
    monkeypatch.setattr(queries, "MOST_COUNTED", 0)
    monkeypatch.setattr(covering, "MOST_COUNTED", 0)
    settings.COMPLIANCE_COUNTS_SECONDS = 60


def work() -> int:
    """Do what a worker would; return how many counts there were to make."""
    waiting = list(Job.objects.filter(kind=keeping.KIND, state="queued").values_list("pk", flat=True))
    for number in waiting:
        run_job(number)
    return len(waiting)


def counted(client: Client, path: str = COUNTS, **headers) -> int:
    """How many models a reader is told of, once a worker has counted."""
    client.get(path, headers=headers)
    work()
    return sum(client.get(path, headers=headers).json()[0][name] for name in Outcome)


def test_many_models_are_not_judged_before_somebody_asks(churn, charlie):
    assert queries.counts(charlie, Wanted(), timezone.now()) == queries.Counts(1, None)
    assert covering.coverage(charlie, timezone.now(), []).state is None
    assert Job.objects.filter(kind=keeping.KIND).count() == 0


@pytest.mark.parametrize("path", [COUNTS, CLAUSES])
def test_the_api_says_that_a_worker_counts_and_then_what_it_counted(churn, charlie, path):
    client = signed_in(charlie)
    first = client.get(path)
    assert (first.status_code, first.json()) == (202, {"state": "counting"})
    assert (work(), client.get(path).status_code) == (1, 200)


@pytest.mark.parametrize("path", [COUNTS, CLAUSES, PAGE, "/compliance/controls/?counts=on"])
def test_no_request_judges_many_models(churn, charlie, path):
    client, judged = signed_in(charlie), []
    for _time in range(2):
        with CaptureQueriesContext(connection) as asked:
            client.get(path)
        judged.append(len([row for row in asked if "approvals_recertification" in row["sql"]]))
        work()
    assert judged == ([1, 1] if path == PAGE else [0, 0])  # the page judges the rows that it shows


def test_two_who_ask_at_once_are_one_job(churn, charlie):
    client = signed_in(charlie)
    for _time in range(3):
        client.get(COUNTS)
    assert Job.objects.filter(kind=keeping.KIND).count() == 1


def test_counts_serve_a_person_for_a_minute_and_say_since_when(churn, charlie):
    client = signed_in(charlie)
    client.get(COUNTS)
    work()
    first, second = client.get(COUNTS).json(), client.get(COUNTS).json()
    assert (first == second, first[0]["judged_at"] is not None, work()) == (True, True, 0)


def test_old_counts_are_shown_while_new_ones_are_made(churn, charlie):
    client = signed_in(charlie)
    counted(client)
    KeptCount.objects.update(judged_at=timezone.now() - timedelta(minutes=2))
    old = client.get(COUNTS).json()[0]["judged_at"]
    assert work() == 1
    assert client.get(COUNTS).json()[0]["judged_at"] > old


def test_counts_that_are_older_than_ten_minutes_are_shown_no_more_and_dropped(churn, charlie, admin):
    client = signed_in(charlie)
    counted(client)
    KeptCount.objects.update(judged_at=timezone.now() - keeping.SHOWN)
    assert client.get(COUNTS).status_code == 202
    Job.objects.all().delete()
    counted(signed_in(admin))
    assert [row.person for row in KeptCount.objects.all()] == [admin]


def test_counts_are_nobody_elses(churn, charlie, reader):
    make_model("secret")
    grant(reader, churn)
    assert [counted(signed_in(user)) for user in (charlie, reader)] == [2, 1]


def test_counts_are_not_those_of_a_token_for_one_model(churn, charlie):
    make_model("secret")
    token = create_token("ci", by=charlie, models=["churn"]).text
    narrow = counted(Client(), Authorization=f"Bearer {token}")
    assert (counted(signed_in(charlie)), narrow) == (2, 1)


def test_a_model_that_is_out_of_sight_by_now_is_not_counted(churn, reader):
    grant(reader, churn)
    client = signed_in(reader)
    before = counted(client)
    reader.groups.clear()
    assert (before, counted(client)) == (1, 0)


def test_a_worker_counts_what_the_person_sees_by_then(churn, reader):
    grant(reader, churn)
    client = signed_in(reader)
    client.get(COUNTS)
    reader.groups.clear()
    work()
    assert sum(client.get(COUNTS).json()[0][name] for name in Outcome) == 0


def test_nothing_is_counted_for_somebody_who_is_gone(churn, charlie):
    signed_in(charlie).get(COUNTS)
    charlie.is_active = False
    charlie.save()
    assert (work(), KeptCount.objects.count()) == (1, 0)


def test_a_control_that_is_set_anew_is_counted_anew(churn, charlie, admin):
    client = signed_in(charlie)
    counted(client)
    before = client.get(COUNTS).json()
    configure("events", by=admin, enabled=True, severity="low", tiers=["high"], reason="Only those.", seen=0)
    counted(client)
    after = client.get(COUNTS).json()
    assert (before[0]["not_applicable"], after[0]["not_applicable"]) == (0, 1)


def test_counts_of_a_moment_are_those_of_the_moment(churn, charlie):
    then = (churn.created_at - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert [counted(signed_in(charlie), f"{COUNTS}&at={at}") for at in (then, "2026-11-01T00:00:00Z")] == [0, 1]


def test_a_count_that_failed_is_told_and_begun_anew_after_a_minute(churn, charlie, monkeypatch):
    client = signed_in(charlie)
    client.get(COUNTS)
    Job.objects.filter(kind=keeping.KIND).update(state="failed", finished_at=timezone.now(), error="x")
    assert client.get(COUNTS).json() == {"state": "failed"}
    assert "the worker gave up" in signed_in(charlie).get("/compliance/?counts=on&control=events").content.decode()
    Job.objects.filter(kind=keeping.KIND).update(finished_at=timezone.now() - keeping.GAVE_UP)
    assert client.get(COUNTS).json() == {"state": "counting"}


def test_the_page_says_that_a_worker_counts_and_looks_again(churn, charlie):
    client = signed_in(charlie)
    page = client.get(PAGE).content.decode()
    assert ("A worker is counting them" in page, 'hx-get="/compliance/?counts=on"' in page) == (True, True)
    work()
    page = client.get(PAGE).content.decode()
    assert ("A worker is counting" in page, "judged" in page, "hx-trigger" in page) == (False, True, False)


def test_the_page_of_clauses_says_that_a_worker_judges_and_then_when_it_did(churn, charlie):
    client, path = signed_in(charlie), "/compliance/controls/?counts=on"
    page = client.get(path).content.decode()
    assert ("A worker is judging" in page, 'hx-trigger="load delay:2s"' in page) == (True, True)
    work()
    page = client.get(path).content.decode()
    assert ("A worker is judging" in page, "Models with all met" in page, 'id="judged"' in page) == (False, True, True)


def test_the_coverage_is_the_same_whether_a_worker_judged_or_not(churn, charlie, monkeypatch):
    client = signed_in(charlie)
    client.get(CLAUSES)
    work()
    kept = client.get(CLAUSES).json()
    monkeypatch.setattr(covering, "MOST_COUNTED", 500)
    numbers = [
        [(row["met"], row["asked"]) for source in rows for row in source["clauses"]]
        for rows in (kept, client.get(CLAUSES).json())
    ]
    assert numbers[0] == numbers[1]


def test_nobody_has_a_worker_count_under_every_wording_at_once(churn, charlie, alice):
    client = signed_in(charlie)
    for number in range(8):
        assert client.get(f"{COUNTS}&q={'churn ' * (number + 1)}").status_code == 202
    assert Job.objects.filter(kind=keeping.KIND).count() == keeping.AT_ONCE
    assert signed_in(alice).get(COUNTS).status_code == 202  # others do not wait for it
    assert Job.objects.filter(kind=keeping.KIND, requested_by="alice").count() == 1
    work()
    assert counted(client) == 1
