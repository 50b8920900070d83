"""Models that MLflow named are read again, and no such note is lost."""

import threading

import pytest
from django.db import connections

from apps.jobs.models import Job, JobState
from apps.jobs.tasks import run_job
from apps.registry import services
from apps.registry.models import ModelVersion, RegisteredModel, SyncKind, SyncRun, SyncState, TouchedModel
from apps.registry.sync import synchronise
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
