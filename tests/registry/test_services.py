"""Details, refresh and jobs against a real MLflow."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.errors import NotVisible, UpstreamUnavailable
from apps.jobs.models import Job, JobState
from apps.jobs.tasks import run_job
from apps.registry.details.jobs import next_due
from apps.registry.models import DetailsState, ModelVersion, RegisteredModel, SyncRun, SyncState
from apps.registry.services import enqueue_sync, read_due_details, refresh_version
from apps.registry.sync import synchronise
from apps.registry.tasks import request_sync
from tests.registry import rows
from tests.servers.broken import Reply

pytestmark = pytest.mark.django_db


def sync() -> SyncRun:
    return synchronise(requested_by="a test")


@pytest.mark.mlflow
def test_details_are_read_from_run_and_mlmodel(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), params={"C": "1"}, metrics={"auc": 0.9})
    sync()
    assert read_due_details() == 1
    version = ModelVersion.objects.get()
    assert (version.details_state, version.details_error) == ("loaded", "")
    assert (version.params, version.metrics) == ({"C": "1"}, {"auc": 0.9})
    assert (version.run["user"], version.run["status"], version.run["experiment"]) == ("ann", "FINISHED", "Default")
    assert version.datasets == [{"name": "train", "digest": "abc123", "context": "training", "source_type": "local"}]
    assert [column["name"] for column in version.signature["inputs"]] == ["age", "plan"]
    assert version.requirements == ["scikit-learn==1.9.1", "numpy>=2"]
    assert version.mlmodel["mlflow_version"] == "3.17.2"


@pytest.mark.mlflow
def test_a_version_without_files_is_read_as_such(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), mlmodel=None, requirements=None)
    sync()
    read_due_details()
    version = ModelVersion.objects.get()
    assert (version.details_state, version.mlmodel, version.signature, version.requirements) == (
        "loaded",
        {},
        None,
        None,
    )


@pytest.mark.mlflow
def test_an_unreadable_mlmodel_is_said_and_the_rest_is_kept(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), mlmodel="- no", metrics={"auc": 0.9})
    sync()
    read_due_details()
    version = ModelVersion.objects.get()
    assert (version.details_state, version.details_error) == ("loaded", "MLmodel is not a mapping")
    assert version.metrics == {"auc": 0.9}


@pytest.mark.mlflow
def test_a_run_that_goes_on_is_read_again(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), finished=False)
    sync()
    read_due_details()
    version = ModelVersion.objects.get()
    assert (version.run["status"], version.details_due_at > version.details_at) == ("RUNNING", True)
    mlflow_registry.finish(version.run_id)
    ModelVersion.objects.update(details_due_at=version.details_at)
    read_due_details()
    version.refresh_from_db()
    assert version.run["status"] == "FINISHED"


@pytest.mark.mlflow
def test_metrics_that_are_logged_late_are_found_by_pauses_that_double(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), metrics={"auc": 0.9})
    sync()
    for age in (timedelta(hours=1), timedelta(days=2)):
        ModelVersion.objects.update(created_at=timezone.now() - age, details_due_at=timezone.now())
        read_due_details()
        version = ModelVersion.objects.get()
        assert round((version.details_due_at - version.details_at) / age) == 1
    late = {"key": "auc", "value": 0.8, "timestamp": 9_999_999_999_999, "step": 0}
    mlflow_registry.call("POST", "runs/log-metric", run_id=version.run_id, **late)
    ModelVersion.objects.update(created_at=timezone.now() - timedelta(days=4), details_due_at=timezone.now())
    read_due_details()
    version.refresh_from_db()
    assert (version.metrics, version.details_due_at) == ({"auc": 0.8}, None)


def test_details_are_read_in_production_first_then_newest():
    churn, now = rows.model(), timezone.now()
    for number, stage in enumerate(["None", "Staging", "Production", "Archived"], 1):
        rows.version(churn, number, stage=stage, details_due_at=now)
    assert [row.number for row in next_due("default", 10)] == [3, 2, 4, 1]


def test_a_failed_reading_is_kept_and_tried_later(broken):
    version = rows.version(rows.model(), 1, run_id="x", details_due_at=timezone.now())
    broken.always(Reply(status=500))
    with pytest.raises(UpstreamUnavailable):
        read_due_details()
    version.refresh_from_db()
    assert (version.details_state, version.details_error) == (DetailsState.FAILED, "MLflow answered with error 500.")
    assert version.details_due_at > timezone.now()


@pytest.mark.mlflow
def test_files_that_mlflow_cannot_read_hold_up_no_other_version(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("lost"))
    sync()
    assert read_due_details() == 0
    mlflow_registry.version(mlflow_registry.model("churn"))
    sync()
    assert read_due_details() == 1
    lost = ModelVersion.objects.get(model__name="lost")
    expected = (DetailsState.FAILED, "MLflow cannot read the files of this version (error 500).")
    assert (lost.details_state, lost.details_error) == expected


@pytest.mark.mlflow
def test_refresh_version_brings_stage_and_details_up_to_date(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), metrics={"auc": 0.9})
    sync()
    mlflow_registry.stage("churn", 1, "Staging")
    version = refresh_version(ModelVersion.objects.get().pk)
    assert (version.stage, version.metrics) == ("Staging", {"auc": 0.9})
    moved = AuditEvent.objects.get(action="version.stage_changed")
    assert (moved.actor, moved.source) == ("mlflow", "mlflow")


@pytest.mark.mlflow
def test_refresh_version_says_that_it_is_gone(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("churn"))
    sync()
    mlflow_registry.delete_version("churn", 1)
    with pytest.raises(NotVisible):
        refresh_version(ModelVersion.objects.get().pk)


def test_refresh_version_ends_when_mlflow_says_nothing(broken):
    version = rows.version(rows.model())
    broken.always(Reply(says_nothing=True))
    with pytest.raises(UpstreamUnavailable) as caught:
        refresh_version(version.pk)
    expected = "MLflow did not answer within 3 seconds. Nothing was lost."
    assert caught.value.message == expected


@pytest.mark.mlflow
def test_jobs_sync_and_then_read_details(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), metrics={"auc": 0.9})
    request_sync()
    request_sync()
    job = Job.objects.get()
    run_job(job.pk)
    run_job(Job.objects.get(kind="registry.details").pk)
    assert list(Job.objects.values_list("state", flat=True)) == [JobState.DONE] * 2
    assert ModelVersion.objects.get().metrics == {"auc": 0.9}


def test_a_failed_sync_job_is_tried_again(broken):
    broken.always(Reply(status=500))
    job = enqueue_sync("a test", "default")
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 1)
    assert list(SyncRun.objects.values_list("state", "error")) == [("failed", "MLflow answered with error 500.")]


def test_a_sync_that_a_killed_worker_left_open_is_closed_by_the_next(broken):
    SyncRun.objects.create(requested_by="system:beat")
    run_job(enqueue_sync("a test", "default").pk)
    assert list(SyncRun.objects.order_by("pk").values_list("state", flat=True)) == [SyncState.FAILED, SyncState.DONE]


@pytest.mark.mlflow
def test_the_command_syncs_all_or_one_model(mlflow_registry, capsys):
    mlflow_registry.bare_version(mlflow_registry.model("a"))
    mlflow_registry.bare_version(mlflow_registry.model("b"))
    call_command("sync", model="a")
    assert list(RegisteredModel.objects.values_list("name", flat=True)) == ["a"]
    call_command("sync")
    assert sorted(RegisteredModel.objects.values_list("name", flat=True)) == ["a", "b"]
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("1 models and 1 versions in MLflow: 2 created, 0 changed, 0 deleted")


@pytest.mark.mlflow
def test_the_command_says_that_a_model_is_unknown(mlflow_registry):
    with pytest.raises(CommandError, match="MLflow has no registered model named 'x'"):
        call_command("sync", model="x")


def test_the_command_says_that_mlflow_is_down(settings):
    settings.MLFLOW_BACKEND_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="MLflow cannot be reached"):
        call_command("sync")
