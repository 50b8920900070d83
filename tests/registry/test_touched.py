"""Models that MLflow named are read again, and no such note is lost."""

import threading

import pytest
from django.db import connections
from django.utils import timezone

from apps.jobs.models import Job, JobState
from apps.jobs.tasks import run_job
from apps.registry import services
from apps.registry.health.queries import health
from apps.registry.models import ModelVersion, RegisteredModel, SyncKind, SyncRun, SyncState, TouchedModel
from apps.registry.sync import synchronise
from apps.registry.syncing import requests as jobs
from apps.registry.syncing import touched
from apps.registry.syncing.requests import TOUCHED
from tests.servers.broken import Reply

pytestmark = pytest.mark.django_db


def run_touched() -> None:
    run_job(Job.objects.get(kind=TOUCHED, state=JobState.QUEUED).pk)


def states() -> list[str]:
    return list(Job.objects.filter(kind=TOUCHED).values_list("state", flat=True))


def test_many_notes_of_one_model_make_one_row_and_one_job():
    for _ in range(3):
        services.touch("default", "churn")
    services.touch("default", "churn", 1)
    assert sorted(TouchedModel.objects.values_list("name", "number")) == [("churn", 0), ("churn", 1)]
    assert states() == [JobState.QUEUED]


@pytest.mark.mlflow
def test_a_new_model_that_was_named_is_read_with_its_versions(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("churn"))
    services.touch("default", "churn", 1)
    run_touched()
    assert (RegisteredModel.objects.get().name, ModelVersion.objects.get().number) == ("churn", 1)
    assert (TouchedModel.objects.count(), states()) == (0, [JobState.DONE])


@pytest.mark.mlflow
def test_a_named_version_is_read_with_its_models_tags_and_aliases(mlflow_registry):
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.bare_version("churn")
    synchronise(requested_by="a test")
    mlflow_registry.tag("churn", "team", "growth")
    mlflow_registry.alias("churn", "champion", 2)
    mlflow_registry.call("POST", "model-versions/set-tag", name="churn", version="2", key="validated", value="true")
    services.touch("default", "churn", 2)
    run_touched()
    model = RegisteredModel.objects.get()
    assert (model.tags, model.alias_numbers) == ({"team": "growth"}, {"champion": 2})
    assert dict(model.versions.values_list("number", "tags")) == {1: {}, 2: {"validated": "true"}}
    run = SyncRun.objects.latest("pk")
    assert (run.kind, run.counts["calls"]) == (SyncKind.MODELS, 2)


@pytest.mark.mlflow
def test_a_named_version_that_is_gone_is_marked_so(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("churn"))
    synchronise(requested_by="a test")
    mlflow_registry.delete_version("churn", 1)
    services.touch("default", "churn", 1)
    run_touched()
    assert ModelVersion.objects.get().deleted_at is not None


@pytest.mark.mlflow
def test_a_named_model_that_is_gone_is_marked_so(mlflow_registry):
    mlflow_registry.model("churn")
    synchronise(requested_by="a test")
    mlflow_registry.delete_model("churn")
    services.touch("default", "churn")
    run_touched()
    assert RegisteredModel.objects.get().deleted_at is not None


def test_a_name_that_nobody_knows_is_forgotten(broken):
    broken.always(Reply.json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}, status=404))
    services.touch("default", "nothing")
    run_touched()
    assert (TouchedModel.objects.count(), RegisteredModel.objects.count(), states()) == (0, 0, [JobState.DONE])


def test_notes_wait_while_mlflow_is_down(broken):
    broken.always(Reply(status=500))
    services.touch("default", "churn")
    run_touched()
    assert (TouchedModel.objects.count(), states()) == (1, [JobState.QUEUED])
    assert SyncRun.objects.get().state == SyncState.FAILED


UNREADABLE = [
    Reply(b"no access", status=403),
    Reply.json({"registered_model": {"name": 7}}),
    Reply.json({"error_code": "INTERNAL_ERROR", "message": "broken"}, status=500),
]


def all_but_secret(reply: Reply):
    """A registry that tells of every model except the one named "secret"."""

    def decide(path, query):
        name = query.get("name", "")
        if not path.endswith("registered-models/get"):
            return Reply.json({})
        model = {"name": name, "creation_timestamp": 1000, "last_updated_timestamp": 1000}
        return reply if name == "secret" else Reply.json({"registered_model": model})

    return decide


@pytest.mark.parametrize("reply", UNREADABLE)
def test_a_name_that_mlflow_does_not_tell_of_holds_up_no_other(broken, reply):
    broken.decide = all_but_secret(reply)
    for name in ("secret", "churn"):
        services.touch("default", name)
    run_touched()
    assert list(RegisteredModel.objects.values_list("name", flat=True)) == ["churn"]
    assert (list(TouchedModel.objects.values_list("name", "failures")), states()) == ([("secret", 1)], [JobState.DONE])


def test_a_name_that_mlflow_does_not_tell_of_is_tried_again_after_a_growing_pause(broken):
    broken.decide = all_but_secret(UNREADABLE[0])
    services.touch("default", "secret")
    run_touched()
    TouchedModel.objects.update(not_before=timezone.now())
    jobs.enqueue_touched("default")
    run_touched()
    note = TouchedModel.objects.get()
    assert (note.failures, round((note.not_before - timezone.now()).total_seconds(), -1)) == (2, 60)


def test_a_note_that_waits_is_not_asked_for(broken):
    broken.decide = all_but_secret(UNREADABLE[0])
    services.touch("default", "secret")
    run_touched()
    assert list(touched.due_notes("default")) == []


def test_health_says_which_named_model_could_not_be_read(broken):
    broken.decide = all_but_secret(UNREADABLE[0])
    services.touch("default", "secret")
    run_touched()
    [row] = health()
    assert (row.unanswered, row.named_error[:31]) == (1, "secret: MLflow refused access (")


def test_health_says_that_named_models_cannot_be_read_until_they_can(broken):
    broken.always(Reply(status=500))
    services.touch("default", "churn")
    run_touched()
    assert "error" in health()[0].named_error
    broken.decide = all_but_secret(UNREADABLE[0])
    Job.objects.update(not_before=timezone.now())
    run_touched()
    assert health()[0].named_error == ""


@pytest.mark.django_db(transaction=True)
def test_a_model_that_is_noted_while_it_is_read_is_read_again(broken):
    asked, noted = threading.Event(), threading.Event()
    model = {"name": "churn", "creation_timestamp": 1000, "last_updated_timestamp": 1000}
    descriptions = ["before", "after"]

    def slow(path, query):
        if not path.endswith("registered-models/get"):
            return Reply.json({})
        said = descriptions.pop(0)
        if said == "before":
            asked.set()
            noted.wait(5)
        return Reply.json({"registered_model": model | {"description": said}})

    def note():
        asked.wait(5)
        services.touch("default", "churn")
        connections.close_all()
        noted.set()

    broken.decide = slow
    services.touch("default", "churn")
    thread = threading.Thread(target=note)
    thread.start()
    run_touched()
    thread.join()
    assert (RegisteredModel.objects.get().description, descriptions, states()) == ("after", [], [JobState.DONE])
