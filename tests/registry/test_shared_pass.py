"""A complete pass that several workers share: its jobs, what a killed one leaves, and how it is cancelled."""

import pytest
from django.utils import timezone

from apps.errors import NotAllowed, NotVisible, WrongState
from apps.jobs.models import Job, JobState
from apps.jobs.tasks import run_job
from apps.registry import services
from apps.registry.models import Connection, RegisteredModel, SyncKind, SyncRun, SyncShard, SyncState
from apps.registry.sync import synchronise
from apps.registry.syncing import complete, schedule
from apps.registry.syncing.requests import COMPLETE, SHARD, SYNC, SYNC_END, enqueue_complete, enqueue_sync
from tests.servers.broken import Reply

pytestmark = pytest.mark.django_db
MODELS = [{"name": f"m{n}", "creation_timestamp": 1000 + n, "last_updated_timestamp": 1000 + n} for n in range(5)]
GONE = Reply.json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}, status=404)


def registry(path, query):
    """Five models on two pages, each with one version."""
    if path.endswith("registered-models/search") and "filter" not in query:
        later = query.get("page_token") == "later"
        rows = MODELS[3:] if later else MODELS[:3]
        return Reply.json({"registered_models": rows} | ({} if later else {"next_page_token": "later"}))
    if path.endswith("model-versions/search"):
        rows = [row | {"version": "1"} for row in MODELS if f"'{row['name']}'" in query.get("filter", "")]
        return Reply.json({"model_versions": rows})
    return Reply.json({}) if path.endswith("search") else GONE


@pytest.fixture
def big(broken, monkeypatch):
    """A registry that is read in three shards."""
    monkeypatch.setattr(complete, "SHARD_MODELS", 2)
    broken.decide = registry
    return broken


def run_all(*kinds: str) -> list[str]:
    """Run what is queued of these kinds, oldest first, until nothing is; returns the kinds in that order."""
    ran = []
    while job := Job.objects.filter(state=JobState.QUEUED, kind__in=kinds).order_by("pk").first():
        run_job(job.pk)
        ran.append(job.kind)
    return ran


def test_a_first_import_that_is_big_is_shared_between_workers(big):
    enqueue_sync("a test", "default")
    assert run_all(SYNC, COMPLETE, SHARD, SYNC_END) == [SYNC, COMPLETE, SHARD, SHARD, SHARD, SYNC_END]
    run = SyncRun.objects.get()
    assert (run.state, run.kind, run.done, run.total) == (SyncState.DONE, SyncKind.COMPLETE, 5, 5)
    assert {what: run.counts[what] for what in ("models", "versions", "created")} == {
        "models": 5, "versions": 5, "created": 10,
    }  # fmt: skip
    assert sorted(RegisteredModel.objects.values_list("name", "version_count")) == [(f"m{n}", 1) for n in range(5)]
    connection = Connection.objects.get()
    assert None not in (connection.imported_at, connection.completed_at, connection.listed_at)


def test_what_the_shards_lack_is_gone_once_all_are_done(big):
    RegisteredModel.objects.create(name="old", created_at=timezone.now(), updated_at=timezone.now())
    enqueue_complete("a test", "default")
    run_all(COMPLETE, SHARD)
    assert RegisteredModel.objects.get(name="old").deleted_at is None
    run_all(SYNC_END)
    assert RegisteredModel.objects.get(name="old").deleted_at is not None


def test_a_listing_that_broke_off_goes_on_where_it_was(big):
    enqueue_complete("a test", "default")
    big.decide = lambda path, query: Reply(status=500) if "page_token" in query else registry(path, query)
    job = Job.objects.get()
    run_job(job.pk)
    assert (SyncRun.objects.get().page_token, SyncRun.objects.get().listed) == ("0:later", False)
    assert SyncShard.objects.count() == 2
    big.decide = registry
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now())
    big.asked.clear()
    run_all(COMPLETE)
    assert SyncShard.objects.count() == 3
    run_all(SHARD, SYNC_END)
    assert (SyncRun.objects.get().state, RegisteredModel.objects.count()) == (SyncState.DONE, 5)


def test_a_shard_that_fails_too_often_fails_the_pass_and_deletes_nothing(big):
    RegisteredModel.objects.create(name="old", created_at=timezone.now(), updated_at=timezone.now())
    enqueue_complete("a test", "default")
    run_all(COMPLETE)
    big.decide = lambda path, query: Reply(status=500)
    Job.objects.filter(kind=SHARD).update(max_attempts=1)
    run_all(SHARD, SYNC_END)
    run = SyncRun.objects.get()
    assert (run.state, run.error) == (
        SyncState.FAILED,
        "The sync stopped: MLflow answered with error 500. The mirror keeps the last good data.",
    )
    assert RegisteredModel.objects.get().deleted_at is None
    assert Connection.objects.get().completed_at is None


def test_a_cancelled_pass_keeps_what_it_has_and_ends(big, admin):
    enqueue_complete("a test", "default")
    run_all(COMPLETE)
    run_job(Job.objects.filter(kind=SHARD).earliest("pk").pk)
    services.cancel_sync(SyncRun.objects.get().pk, by=admin)
    assert run_all(SHARD, SYNC_END) == [SHARD, SHARD]
    run = SyncRun.objects.get()
    assert (run.state, run.cancelled_by, RegisteredModel.objects.count()) == (SyncState.CANCELLED, "admin", 2)
    assert list(Job.objects.exclude(state=JobState.DONE)) == []
    assert schedule.complete_is_due(Connection.objects.get()) is False


def test_a_pass_that_has_ended_cannot_be_cancelled(admin):
    run = SyncRun.objects.create(requested_by="a test", state=SyncState.DONE)
    with pytest.raises(WrongState):
        services.cancel_sync(run.pk, by=admin)


def test_an_unknown_pass_cannot_be_cancelled(admin):
    with pytest.raises(NotVisible):
        services.cancel_sync(1, by=admin)


def test_only_who_may_sync_may_cancel(alice):
    run = SyncRun.objects.create(requested_by="a test")
    with pytest.raises(NotAllowed):
        services.cancel_sync(run.pk, by=alice)
    run.refresh_from_db()
    assert run.state == SyncState.RUNNING


def test_a_pass_in_the_foreground_ends_when_it_is_cancelled(broken, admin, transactional_db):
    broken.decide = registry
    run = synchronise(requested_by="a test", progress=lambda *shown: cancel(admin))
    assert (run.state, run.cancelled_by, RegisteredModel.objects.count()) == (SyncState.CANCELLED, "admin", 0)


def cancel(person) -> None:
    services.cancel_sync(SyncRun.objects.get().pk, by=person)
