import os
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.jobs import services
from apps.jobs.models import Job, JobState
from config.celery import app as celery
from tests.jobs.conftest import expire, make_due


def test_claim_takes_a_due_job_once(job):
    claimed = services.claim(job.pk)
    assert (claimed.state, claimed.attempts, services.claim(job.pk)) == (JobState.RUNNING, 1, None)


def test_claim_leaves_a_job_that_is_not_due(db):
    job = services.enqueue("test", requested_by="alice", delay_seconds=60)
    assert services.claim(job.pk) is None


@pytest.mark.parametrize("end", [services.finish, lambda job: services.fail(job, "no", retry=False)])
def test_claim_leaves_a_job_that_ended(job, end):
    end(services.claim(job.pk))
    assert services.claim(job.pk) is None


def test_claim_takes_over_when_the_lease_has_ended(job):
    first = services.claim(job.pk)
    expire(job)
    second = services.claim(job.pk)
    assert (second.attempts, second.lease_token != first.lease_token) == (2, True)


def test_a_worker_without_its_lease_writes_nothing(job):
    late = services.claim(job.pk)
    expire(job)
    holder = services.claim(job.pk)
    with pytest.raises(services.LeaseLost):
        services.renew(late, done=5, note="late")
    assert services.finish(late) is False
    services.fail(late, "late", retry=True)
    job.refresh_from_db()
    assert (job.state, job.lease_token, job.progress_done, job.error) == ("running", holder.lease_token, 0, "")


def test_renew_keeps_the_job_and_reports_progress(job):
    held = services.claim(job.pk)
    expire(job)
    services.renew(held, done=2, total=3, note="reading")
    job.refresh_from_db()
    assert (job.progress_done, job.progress_total, job.progress_note) == (2, 3, "reading")
    assert services.claim(job.pk) is None


def test_fail_pauses_longer_after_each_attempt_and_then_gives_up(job):
    pauses = []
    for _ in range(job.max_attempts):
        make_due(job)
        claimed, before = services.claim(job.pk), timezone.now()
        again = services.fail(claimed, "down", retry=True)
        job.refresh_from_db()
        pauses.append(round((job.not_before - before).total_seconds()) if again else job.state)
    assert pauses == [2, 4, 8, 16, JobState.FAILED]


def test_enqueue_with_the_key_of_an_active_job_returns_that_job(db):
    first = services.enqueue("test", requested_by="alice", key="sync")
    assert services.enqueue("test", requested_by="bob", key="sync") == first


def test_enqueue_with_the_key_of_a_finished_job_adds_one(db):
    first = services.enqueue("test", requested_by="alice", key="sync")
    services.finish(services.claim(first.pk))
    assert services.enqueue("test", requested_by="bob", key="sync") != first


def race(count: int, work) -> list:
    """Run `work` in many threads at the same moment and return the results."""
    start, results = Barrier(count), []

    def run() -> None:
        start.wait()
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            results.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_key_is_single_when_many_ask_at_once(transactional_db):
    jobs = race(12, lambda: services.enqueue("test", requested_by="alice", key="sync").pk)
    assert jobs == [Job.objects.get().pk] * 12


def test_a_job_is_claimed_by_one_of_many_workers(transactional_db):
    job = services.enqueue("test", requested_by="alice")
    claims = race(12, lambda: services.claim(job.pk))
    assert [claim.pk for claim in claims if claim] == [job.pk]


def test_enqueue_is_undone_with_its_transaction(transactional_db):
    with transaction.atomic():
        services.enqueue("test", requested_by="alice")
        transaction.set_rollback(True)
    assert not Job.objects.exists()


@pytest.fixture
def no_broker(monkeypatch):
    """A broker address where nothing listens."""
    from celery import Celery

    dead = Celery("dead", broker="redis://127.0.0.1:9/0", set_as_current=False)
    dead.conf.broker_transport_options = {"max_retries": 0}  # as for the Redis of production
    pools = celery.amqp._producer_pool
    monkeypatch.setattr(celery.amqp, "_producer_pool", dead.amqp.producer_pool)
    yield
    celery.amqp._producer_pool = pools


def test_enqueue_commits_while_the_broker_is_down(transactional_db, no_broker, caplog):
    services.enqueue("test", requested_by="alice")
    assert Job.objects.get().state == JobState.QUEUED
    assert "broker unavailable" in caplog.text


def test_sweep_finds_due_and_orphaned_jobs_alone(db):
    _due, orphan, running, done, later = (services.enqueue("test", requested_by="alice") for _ in range(5))
    for job in (orphan, running, done):
        claimed = services.claim(job.pk)
    services.finish(claimed)
    expire(orphan)
    Job.objects.filter(pk=later.pk).update(not_before=timezone.now() + timedelta(minutes=1))
    assert services.sweep() == 2


def test_prune_removes_jobs_that_ended_long_ago(db, monkeypatch):
    monkeypatch.setattr(services, "PRUNE_BATCH", 2)
    old = [services.enqueue("test", requested_by="alice") for _ in range(5)]
    kept = services.enqueue("test", requested_by="alice")
    for job in (*old, kept):
        services.finish(services.claim(job.pk))
    active = services.enqueue("test", requested_by="alice")
    long_ago = timezone.now() - timedelta(days=31)
    Job.objects.filter(pk__in=[job.pk for job in old]).update(finished_at=long_ago)
    assert services.prune() == 5
    assert list(Job.objects.order_by("pk")) == [kept, active]


def test_prune_removes_old_delivered_messages(tmp_path):
    old, new = tmp_path / "old.msg", tmp_path / "new.msg"
    for path in (old, new):
        path.write_text("{}")
    os.utime(old, (0, 0))
    assert services.prune_processed_messages(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [new]


def test_prune_of_a_folder_that_is_not_there_removes_nothing(tmp_path):
    assert services.prune_processed_messages(tmp_path / "none") == 0
