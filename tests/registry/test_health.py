"""How the connections fare: the page about syncs, its progress, the API, and the line above every page."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.registry.freshness import sync_status
from apps.registry.health import queries
from apps.registry.models import (
    Connection,
    DeliveryRefusal,
    SyncKind,
    SyncRun,
    SyncShard,
    SyncState,
    TouchedModel,
    WebhookDelivery,
)
from apps.registry.syncing import runs
from tests.registry.rows import model, version


def ended(
    state: SyncState = SyncState.DONE, *, ago: float = 60, took: float = 10, connection: str = "default", **fields: Any
) -> SyncRun:
    """A sync that ended `ago` seconds ago after `took` seconds."""
    at = timezone.now() - timedelta(seconds=ago)
    run = SyncRun.objects.create(connection_id=connection, state=state, finished_at=at, requested_by="test", **fields)
    SyncRun.objects.filter(pk=run.pk).update(started_at=at - timedelta(seconds=took))
    run.refresh_from_db()
    return run


def failed(**fields: Any) -> SyncRun:
    return ended(SyncState.FAILED, **{"error": "MLflow did not answer.", **fields})


def second(**fields: Any) -> Connection:
    return Connection.objects.create(name="eu", url="https://mlflow.eu.example.org", **fields)


def of(name: str) -> queries.ConnectionHealth:
    return next(row for row in queries.health() if row.connection.name == name)


@pytest.fixture
def runner(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def reader(client, charlie):
    client.force_login(charlie)
    return client


def test_health_before_the_first_sync(db):
    row = of("default")
    assert (row.state, row.as_of, row.models_per_second, row.calls, row.waits) == ("never", None, None, None, False)


def test_changes_are_in_up_to_the_moment_when_the_last_pass_began(db):
    complete = ended(ago=600, took=20, counts={"models": 400, "calls": 9})
    changes = ended(ago=60, kind=SyncKind.CHANGES, counts={"calls": 2})
    row = of("default")
    assert (row.as_of, row.complete_as_of, row.calls) == (changes.started_at, complete.started_at, 2)
    assert row.models_per_second == pytest.approx(20)


def test_reading_single_models_is_no_pass(db):
    good = ended(ago=600)
    ended(ago=10, kind=SyncKind.MODELS)
    failed(ago=5, kind=SyncKind.MODELS)
    assert (of("default").last_good, of("default").state) == (good, "good")


def test_a_connection_fails_since_the_first_failure_after_the_last_good_pass(db):
    failed(ago=900)
    ended(ago=600)
    first = failed(ago=300)
    failed(ago=100, error="MLflow refused access (401).")
    row = of("default")
    assert (row.state, row.failing_since, row.last_error) == (
        "failing",
        first.started_at,
        "MLflow refused access (401).",
    )


def test_the_backlog_counts_what_waits_on_that_connection(db):
    second()
    version(model(), details_due_at=timezone.now())
    TouchedModel.objects.create(connection_id="eu", name="churn")
    run = SyncRun.objects.create(connection_id="eu", requested_by="test")
    for number in range(2):
        SyncShard.objects.create(run=run, number=number, names=[], asked_at=timezone.now())
    rows = {row.connection.name: (row.details_due, row.touched, row.shards) for row in queries.health()}
    assert rows == {"default": (1, 0, 0), "eu": (0, 1, 2)}


def test_deliveries_and_refusals_of_the_last_day_are_counted(db):
    now = timezone.now()
    long_ago = now - timedelta(days=2)
    for number in range(3):
        WebhookDelivery.objects.create(connection_id="default", delivery_id=str(number), event="prompt.created")
    WebhookDelivery.objects.filter(delivery_id="0").update(received_at=long_ago)
    rows = [("default", now), ("default", now - timedelta(hours=2)), ("default", long_ago), ("", now)]
    for name, hour in rows:
        DeliveryRefusal.objects.create(connection_name=name, reason="unsigned", hour=hour, count=5, last_at=hour)
    row = of("default")
    assert (row.deliveries, [(refused.reason, refused.count) for refused in row.refusals]) == (2, [("unsigned", 10)])
    assert [refused.count for refused in queries.strangers()] == [5]


def test_a_sync_without_a_sign_of_life_does_not_run(db):
    SyncRun.objects.create(requested_by="test", heartbeat_at=timezone.now() - timedelta(hours=1))
    assert (of("default").running, sync_status().running) == (None, False)


def test_health_takes_as_many_queries_for_ten_connections_as_for_one(db):
    counts = []
    ended()
    for number in range(10):
        with CaptureQueriesContext(database) as asked:
            queries.health()
        counts.append(len(asked))
        Connection.objects.create(name=f"c{number}", url="http://x")
        ended(connection=f"c{number}")
        failed(connection=f"c{number}", ago=10)
    assert counts == [8] * 10


def test_the_status_of_all_is_that_of_the_one_that_fails(db):
    second()
    ended()
    failed(connection="eu")
    status = sync_status()
    assert (status.connection, status.failing_since is None, sync_status("default").failing_since) == (
        "eu",
        False,
        None,
    )


def test_the_status_of_all_is_as_old_as_the_oldest(db):
    second()
    ended(ago=10)
    old = ended(ago=1000, connection="eu")
    assert (sync_status().last_success, sync_status().connection) == (old.finished_at, "eu")


def test_a_connection_that_is_new_or_disabled_does_not_spoil_the_status(db):
    second(enabled=False)
    Connection.objects.create(name="new", url="http://x")
    good = ended()
    failed(connection="eu", ago=5)
    status = sync_status()
    assert (status.last_success, status.failing_since, status.never) == (good.finished_at, None, False)


@pytest.mark.parametrize("name", ["default", "eu"])
def test_the_status_says_what_the_health_of_the_connection_says(db, name):
    second()
    for ago, state in enumerate([SyncState.DONE, SyncState.FAILED, SyncState.DONE, SyncState.CANCELLED], start=3):
        ended(state, ago=ago * 100, connection="eu", error=f"eu {ago}")
    for ago in (30.5, 20, 10):
        failed(connection="eu", ago=ago, error=f"eu {ago}")
    failed(connection="eu", ago=1, kind=SyncKind.MODELS, error="one model")
    ended(connection="eu", ago=0, kind=SyncKind.MODELS)
    failed(ago=50)
    SyncRun.objects.create(connection_id="eu", requested_by="test")
    row, status = of(name), sync_status(name)
    assert (status.last_success, status.failing_since, status.last_error, status.running) == (
        row.last_good.finished_at if row.last_good else None,
        row.failing_since,
        row.last_error,
        row.running is not None,
    )


def test_the_status_is_one_query(db):
    second()
    ended()
    failed(connection="eu")
    with CaptureQueriesContext(database) as asked:
        sync_status()
    assert len(asked) == 1


def test_the_banner_names_the_connection_that_fails(reader):
    second()
    ended()
    failed(connection="eu")
    assert "The MLflow of eu has not answered since" in reader.get("/models/").content.decode()


def test_a_reader_sees_how_fresh_the_mirror_is_and_nothing_more(reader):
    second()
    ended(counts={"models": 4321})
    page = reader.get("/sync/").content.decode()
    assert [word for word in ("4321", "4,321", "eu", "Webhook", "Last syncs") if f">{word}<" in page] == []
    assert reader.get("/api/v1/sync/").json()["connections"] == []


def test_the_page_shows_progress_and_offers_to_cancel(runner):
    run = SyncRun.objects.create(requested_by="test", done=40, total=100, note="reading")
    page = runner.get("/sync/").content.decode()
    assert ('max="100" value="40"' in page, f"/sync/runs/{run.pk}/cancel/" in page, "load delay:1s" in page) == (
        True,
        True,
        True,
    )


@pytest.mark.parametrize(("seconds", "wait"), [(1, 1), (11, 2), (61, 5), (3600, 5)])
def test_the_page_asks_ever_more_seldom_how_far_a_sync_is(runner, seconds, wait):
    run = SyncRun.objects.create(requested_by="test", done=40)
    SyncRun.objects.update(started_at=timezone.now() - timedelta(seconds=seconds))
    part = runner.get(f"/sync/?run={run.pk}", headers={"HX-Request": "true"}).content.decode()
    assert (f"load delay:{wait}s" in part, "<html" in part) == (True, False)


def test_the_page_comes_anew_when_the_sync_has_ended(runner):
    run = ended()
    answer = runner.get(f"/sync/?run={run.pk}", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")


def test_the_page_does_not_come_anew_to_whoever_cancelled_the_sync(runner, admin):
    run = SyncRun.objects.create(requested_by="test", state=SyncState.CANCELLED, cancelled_by=admin.username)
    answer = runner.get(f"/sync/?run={run.pk}", headers={"HX-Request": "true"})
    assert (answer.status_code, "HX-Refresh" in answer.headers) == (204, False)


def test_a_reader_cannot_poll_a_sync(reader):
    run = SyncRun.objects.create(requested_by="test", done=40, total=4321)
    page = reader.get(f"/sync/?run={run.pk}", headers={"HX-Request": "true"}).content.decode()
    assert ("4321" in page, "4,321" in page) == (False, False)


def test_cancelling_stops_a_sync_and_says_so(runner):
    run = SyncRun.objects.create(requested_by="test")
    page = runner.post(f"/sync/runs/{run.pk}/cancel/", follow=True).content.decode()
    run.refresh_from_db()
    assert (run.state, run.cancelled_by, "The sync is cancelled" in page) == (SyncState.CANCELLED, "admin", True)


def test_cancelling_what_has_ended_says_so(runner):
    run = ended()
    assert "has ended already" in runner.post(f"/sync/runs/{run.pk}/cancel/", follow=True).content.decode()


def test_the_api_tells_the_same_as_the_page(runner):
    second(webhook_id="w1")
    run = ended(connection="eu", kind=SyncKind.COMPLETE, took=10, counts={"models": 50, "calls": 4})
    said = runner.get("/api/v1/sync/").json()
    eu = said["connections"][1]
    assert (said["last_success"], eu["connection"], eu["state"]) == (None, "eu", "good")
    assert (eu["models_per_second"], eu["calls"], eu["running"], eu["webhook"]["registered"]) == (
        pytest.approx(5),
        4,
        None,
        True,
    )
    assert runner.get(f"/api/v1/sync/runs/{run.pk}/").json()["counts"] == {"models": 50, "calls": 4}


def test_the_api_starts_the_sync_of_one_connection(runner):
    second()
    asked = runner.post("/api/v1/sync/", {"connection": "eu"}, content_type="application/json")
    unknown = runner.post("/api/v1/sync/", {"connection": "us"}, content_type="application/json")
    assert (asked.status_code, unknown.status_code) == (202, 404)


def test_the_api_cancels_a_sync_once(runner):
    run = SyncRun.objects.create(requested_by="test")
    path = f"/api/v1/sync/runs/{run.pk}/cancel/"
    first, again = runner.post(path), runner.post(path)
    assert (first.json()["state"], again.status_code) == ("cancelled", 409)


PLAIN = "MLflow could not be read. Those who run syncs see the reason."
RAW = "OSError: cannot reach postgresql://bob:s3cr3t@db.internal/mlflow"
SHOWN = "OSError: cannot reach postgresql://…@db.internal/mlflow"


@pytest.mark.parametrize(("person", "told"), [("charlie", PLAIN), ("admin", SHOWN)])
def test_what_a_failed_sync_said_is_for_those_who_can_mend_it(client, request, db, person, told):
    run = failed(error=RAW)
    client.force_login(request.getfixturevalue(person))
    page, answer = client.get("/sync/").content.decode(), client.get("/api/v1/sync/")
    assert (told in page, "s3cr3t" in page, "db.internal" in page) == (True, False, told == SHOWN)
    assert (answer.json()["last_error"], "s3cr3t" in answer.content.decode()) == (told, False)
    assert "s3cr3t" not in client.get(f"/api/v1/sync/runs/{run.pk}/").content.decode()


def test_a_sync_that_fails_keeps_no_credentials(db):
    run = SyncRun.objects.create(requested_by="test")
    runs.fail(run, RAW)
    assert SyncRun.objects.get(pk=run.pk).error == SHOWN
