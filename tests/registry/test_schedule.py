"""When which kind of pass is due."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import services
from apps.registry.models import Connection, SyncKind, SyncRun, SyncState
from apps.registry.syncing import schedule
from apps.registry.syncing.requests import COMPLETE, SYNC, enqueue_sync
from apps.registry.tasks import request_sync
from tests.servers.broken import Reply

pytestmark = pytest.mark.django_db


def looked_at(ago: timedelta, *, seconds: float) -> Connection:
    """A connection whose last complete pass ended then and took so long."""
    now = timezone.now()
    Connection.objects.update(
        completed_at=now - ago, complete_seconds=seconds, imported_at=now - ago, listed_at=now - ago
    )
    return Connection.objects.get()


@pytest.mark.parametrize(
    ("ago", "seconds", "due"),
    [
        (timedelta(seconds=20), 1.0, False),  # not sooner than the interval
        (timedelta(seconds=40), 1.0, True),
        (timedelta(minutes=19), 60.0, False),  # twenty times its own duration
        (timedelta(minutes=21), 60.0, True),
        (timedelta(minutes=59), 600.0, False),  # hourly at the latest
        (timedelta(minutes=61), 600.0, True),
    ],
)
def test_a_complete_pass_is_due_by_what_the_last_one_took(settings, ago, seconds, due):
    settings.SYNC_INTERVAL_SECONDS = 30
    assert schedule.complete_is_due(looked_at(ago, seconds=seconds)) is due


def test_a_connection_that_was_never_read_is_due():
    assert schedule.complete_is_due(Connection.objects.get()) is True


def test_a_cancelled_import_is_not_begun_again_at_once():
    now = timezone.now()
    SyncRun.objects.create(requested_by="a test", state=SyncState.CANCELLED, finished_at=now)
    assert schedule.complete_is_due(Connection.objects.get()) is False


def test_only_a_pass_that_nobody_waits_for_keeps_to_a_pace(settings):
    settings.SYNC_REQUESTS_PER_SECOND = 5.0
    never = Connection.objects.get()
    assert schedule.requests_per_second(never, "system:beat") == 0
    read_before = looked_at(timedelta(hours=1), seconds=60)
    paces = [schedule.requests_per_second(read_before, by) for by in ("admin", "command", "system:beat")]
    assert paces == [0, 0, 5]


def kinds() -> list[str]:
    return list(SyncRun.objects.order_by("pk").values_list("kind", flat=True))


def test_beat_reads_a_small_registry_completely_each_time(broken):
    looked_at(timedelta(seconds=10), seconds=1)
    request_sync()
    run_job(Job.objects.get().pk)
    assert (kinds(), list(Job.objects.values_list("kind", flat=True))) == ([SyncKind.COMPLETE], [SYNC])


def test_beat_reads_what_changed_in_a_big_registry(broken):
    looked_at(timedelta(seconds=40), seconds=60)
    request_sync()
    run_job(Job.objects.get().pk)
    assert (kinds(), list(Job.objects.values_list("kind", flat=True))) == ([SyncKind.CHANGES], [SYNC])


def test_beat_asks_for_a_complete_pass_over_a_big_registry_when_it_is_due(broken):
    looked_at(timedelta(hours=2), seconds=60)
    request_sync()
    run_job(Job.objects.get().pk)
    assert sorted(Job.objects.values_list("kind", flat=True)) == [COMPLETE, SYNC]


def test_a_person_gets_a_complete_pass_due_or_not(broken, admin):
    looked_at(timedelta(seconds=40), seconds=60)
    run_job(services.request_sync(by=admin).pk)
    assert sorted(Job.objects.values_list("kind", "requested_by")) == [(COMPLETE, "admin"), (SYNC, "admin")]


def test_a_person_who_comes_after_beat_gets_a_complete_pass_too(broken, admin):
    enqueue_sync("system:beat", "default")
    services.request_sync(by=admin)
    assert sorted(Job.objects.values_list("kind", "requested_by")) == [(COMPLETE, "admin"), (SYNC, "system:beat")]


def test_every_enabled_connection_is_synced_and_no_other(broken):
    Connection.objects.create(name="eu", url=broken.url)
    Connection.objects.create(name="off", url=broken.url, enabled=False)
    request_sync()
    assert sorted(job.args["connection"] for job in Job.objects.all()) == ["default", "eu"]


def test_one_connection_that_is_down_holds_up_no_other(broken):
    Connection.objects.create(name="eu", url=broken.url)
    broken.decide = lambda path, query: Reply.json({})
    Connection.objects.create(name="down", url="http://127.0.0.1:9", timeout_seconds=1)
    request_sync()
    for job in Job.objects.all():
        run_job(job.pk)
    assert dict(SyncRun.objects.values_list("connection", "state")) == {
        "default": SyncState.DONE,
        "eu": SyncState.DONE,
        "down": SyncState.FAILED,
    }
