"""Long work of the mirror lets others have a turn, and shows life while it waits for MLflow."""

import threading

import pytest
from django.utils import timezone

from apps.jobs import services
from apps.jobs.handlers import handles
from apps.jobs.models import Job, JobState
from apps.jobs.services import enqueue
from apps.jobs.tasks import run_job
from apps.registry import tasks
from apps.registry.details import jobs as details
from apps.registry.models import DEFAULT_CONNECTION, ModelVersion, SyncKind, SyncRun
from apps.registry.syncing import complete, jobs, runs
from apps.registry.syncing.requests import COMPLETE, SHARD, SYNC_END, enqueue_complete
from tests.builders import make_model, make_version
from tests.registry.test_shared_pass import big, registry, run_all  # noqa: F401 - a fixture
from tests.servers.broken import Reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def applied(monkeypatch):
    """A kind of job that stands for an apply; how many versions waited when it ran."""
    from apps.jobs import handlers

    monkeypatch.setattr(handlers, "_handlers", dict(handlers._handlers))
    waited: list[int] = []
    handles("apply")(lambda job: waited.append(details.due(DEFAULT_CONNECTION).count()))
    return waited


def test_an_apply_asked_for_later_runs_before_a_backlog_of_details_is_done(broken, monkeypatch, applied):
    monkeypatch.setattr(tasks, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(details, "BATCH", 2)
    monkeypatch.setattr(services, "BACK_OFF_SECONDS", 0.0)
    broken.always(Reply(status=500))  # the files of none can be read
    model = make_model()
    for number in range(1, 9):
        make_version(model, number, run_id="")
    ModelVersion.objects.update(details_due_at=timezone.now())
    reading = details.enqueue_details("a test")
    apply = enqueue("apply", requested_by="alice")
    line = [reading.pk, apply.pk]
    while line:  # a queue: who is put back stands at its end
        run_job(line[0])
        state = Job.objects.get(pk=line[0]).state
        line = line[1:] + line[:1] * (state == JobState.QUEUED)
    assert (applied, details.due(DEFAULT_CONNECTION).count()) == ([6], 0)


def test_what_comes_in_heaps_stands_in_the_queue_for_that(big):  # noqa: F811
    enqueue_complete("a test", "default")
    run_all(COMPLETE, SHARD, SYNC_END)
    assert set(Job.objects.values_list("kind", "bulk")) == {
        (COMPLETE, True), (SHARD, True), (SYNC_END, True), (details.DETAILS, True),
    }  # fmt: skip


def test_a_long_listing_pauses_and_goes_on(big, monkeypatch):  # noqa: F811
    monkeypatch.setattr(jobs, "TURN_SECONDS", 0.0)
    enqueue_complete("a test", "default")
    assert run_all(COMPLETE)[:2] == [COMPLETE, COMPLETE]
    run_all(SHARD, SYNC_END)
    assert SyncRun.objects.values_list("state", "done", "total").get() == ("done", 5, 5)


def test_a_part_that_mlflow_takes_long_for_shows_life_meanwhile(broken, monkeypatch):
    monkeypatch.setattr(complete, "PULSE_SECONDS", 0.01)
    monkeypatch.setattr(runs, "PULSE_SECONDS", 0.0)
    asked, heard, lived = threading.Event(), threading.Event(), []

    def slow(path, query):
        if path.endswith("model-versions/search"):
            asked.set()
            lived.append(heard.wait(5))
            return Reply.json({})
        return registry(path, query)

    broken.decide = slow
    show = lambda done, total, note: heard.set() if asked.is_set() else None  # noqa: E731
    with runs.opened(DEFAULT_CONNECTION, SyncKind.COMPLETE, "a test", progress=show) as opened:
        complete.work(opened)
    assert lived[0]
