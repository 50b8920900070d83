"""Reading runs and files against a real MLflow: how many calls, in what order, and what an exchange of files tells."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.errors import UpstreamUnavailable
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import connections, observers, services
from apps.registry.details import jobs as detail_jobs
from apps.registry.details import keeping, reading
from apps.registry.models import ModelVersion
from apps.registry.observers import Changed
from apps.registry.sync import synchronise
from tests.registry import rows
from tests.servers.broken import Reply

pytestmark = pytest.mark.django_db
CONDA = "channels: [conda-forge]\ndependencies: [python=3.11, pip, {pip: [mlflow]}]\n"


def mirrored(**changes) -> ModelVersion:
    """Sync, and return the only version, read quickly."""
    synchronise(requested_by="a test")
    ModelVersion.objects.update(**changes) if changes else None
    services.read_due_details()
    return ModelVersion.objects.select_related("model").get()


def put(registry, version: ModelVersion, path: str, text: str) -> None:
    """Store a file in the version's folder, behind everybody's back."""
    registry.file({"artifact_uri": version.source}, path, text)


@pytest.fixture
def told(monkeypatch):
    """What observers were told, beside those that the product registers."""
    heard: list[observers.Change] = []
    monkeypatch.setattr(observers, "_observers", [*observers._observers, heard.extend])
    return heard


@pytest.mark.mlflow
def test_a_quick_reading_lists_the_files_with_their_sizes(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), requirements="a==1\n")
    version = mirrored()
    assert [row["path"] for row in version.files] == ["MLmodel", "requirements.txt"]
    assert (version.files[1]["size"], version.environment, len(version.artifact_digest)) == (5, {}, 64)


@pytest.mark.mlflow
def test_a_thorough_reading_sees_folders_environments_and_pictures(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"))
    version = mirrored()
    put(mlflow_registry, version, "code/features.py", "x = 1\n")
    put(mlflow_registry, version, "conda.yaml", CONDA)
    root = version.source.removesuffix("/model")
    for name in ("confusion_matrix.png", "notes.png", "plots/roc.png", "roc_curve.svg"):
        mlflow_registry.file({"artifact_uri": root}, name, "x")
    detail_jobs.read_version(version.pk)
    version.refresh_from_db()
    paths = [row["path"] for row in version.files]
    assert paths == ["MLmodel", "code/", "code/features.py", "conda.yaml", "requirements.txt"]
    assert version.environment == {
        "conda": {"channels": ["conda-forge"], "dependencies": ["python=3.11", "pip", {"pip": ["mlflow"]}]},
        keeping.COMPLETE: True,
    }
    assert version.pictures == [
        {"path": "confusion_matrix.png", "title": "Confusion matrix"},
        {"path": "plots/roc.png", "title": "Roc"},
    ]


EXAMPLES = {
    "small": ('{"age": [41]}', '{"age": [41]}'),
    "long": ("x" * 3000, "x" * 2000 + "…"),
    "too large": ("x" * (256 * 1024 + 1), ""),
}


@pytest.mark.mlflow
@pytest.mark.parametrize("size", EXAMPLES)
def test_a_thorough_reading_keeps_how_the_input_example_begins(mlflow_registry, size):
    content, kept = EXAMPLES[size]
    mlflow_registry.version(mlflow_registry.model("churn"))
    version = mirrored()
    assert version.input_example is None
    put(mlflow_registry, version, "MLmodel", "saved_input_example_info: {artifact_path: example.json}\n")
    put(mlflow_registry, version, "example.json", content)
    detail_jobs.read_version(version.pk)
    version.refresh_from_db()
    assert version.input_example == kept


@pytest.mark.mlflow
def test_files_of_a_logged_model_and_of_its_copy_are_listed(mlflow_registry):
    mlflow_registry.model("churn")
    made = mlflow_registry.call("POST", "logged-models", experiment_id="0", name="m")["model"]["info"]
    mlflow_registry.file(made, "MLmodel", "flavors: {}\n")
    number = mlflow_registry.bare_version("churn", source=f"models:/{made['model_id']}", model_id=made["model_id"])
    mlflow_registry.bare_version("churn", source=f"models:/churn/{number}")
    synchronise(requested_by="a test")
    services.read_due_details()
    listed = ModelVersion.objects.order_by("number").values_list("files", flat=True)
    assert list(listed) == [[{"path": "MLmodel", "size": 12}]] * 2


@pytest.mark.mlflow
def test_runs_are_asked_for_together_and_files_take_three_calls(mlflow_registry, monkeypatch):
    mlflow_registry.model("churn")
    for _number in range(5):
        mlflow_registry.version("churn")
    synchronise(requested_by="a test")
    clients = []
    real = connections.client
    monkeypatch.setattr(connections, "client", lambda *args: clients.append(real(*args)) or clients[-1])
    assert services.read_due_details() == 5
    assert clients[0].calls == 2 + 5 * 3


@pytest.mark.mlflow
def test_a_run_that_is_gone_is_said(mlflow_registry):
    mlflow_registry.model("churn")
    for _number in range(3):
        mlflow_registry.version("churn")
    synchronise(requested_by="a test")
    ModelVersion.objects.filter(number=2).update(run_id="0" * 32)
    services.read_due_details()
    gone = ModelVersion.objects.get(number=2)
    assert (gone.details_state, gone.details_error) == (
        "loaded",
        "MLflow no longer has the run that made this version.",
    )


@pytest.mark.mlflow
def test_an_exchange_of_files_is_recorded_and_told(mlflow_registry, told):
    mlflow_registry.version(mlflow_registry.model("churn"), requirements="a==1\n")
    version = mirrored()
    put(mlflow_registry, version, "requirements.txt", "a==2\n")
    before = version.artifact_digest
    ModelVersion.objects.update(details_due_at=timezone.now())
    services.read_due_details()
    version.refresh_from_db()
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.source, event.data["changed"]) == (
        "version.artifacts_changed",
        "mlflow",
        ["requirements.txt"],
    )
    assert [(change.what, change.before, change.after) for change in told] == [
        (Changed.ARTIFACTS, before, version.artifact_digest),
        (Changed.DETAILS, None, None),
    ]
    assert told[1].details == {"changed": ["requirements", "artifact_digest"]}


@pytest.mark.mlflow
@pytest.mark.parametrize("path", ["data/model.pth", "model/weights/shard.bin"])
def test_an_exchange_of_a_file_in_a_folder_is_told(mlflow_registry, told, path):
    mlflow_registry.version(mlflow_registry.model("churn"))
    version = mirrored()
    put(mlflow_registry, version, path, "first")
    detail_jobs.read_version(version.pk)
    before = ModelVersion.objects.get().artifact_digest
    told.clear()
    put(mlflow_registry, version, path, "second weights")
    ModelVersion.objects.update(details_due_at=timezone.now())
    services.read_due_details()
    after = ModelVersion.objects.get().artifact_digest
    exchanged = [(change.before, change.after) for change in told if change.what == Changed.ARTIFACTS]
    assert (exchanged, before != after) == ([(before, after)], True)


@pytest.mark.mlflow
def test_folders_that_an_earlier_reading_did_not_look_into_are_no_exchange(mlflow_registry, told):
    mlflow_registry.version(mlflow_registry.model("churn"))
    version = mirrored()
    put(mlflow_registry, version, "data/model.pth", "weights")
    detail_jobs.read_version(version.pk)
    body = ModelVersion.objects.get()
    shallow = [row for row in body.files if row["path"] == "data/" or "/" not in row["path"]]
    with connections.client("default") as client:
        found = reading.read(client, detail_jobs._wanted(version), reading.Runs(client), thorough=False)
    ModelVersion.objects.update(files=shallow, artifact_digest=found.shallow_digest, details_due_at=timezone.now())
    told.clear()
    services.read_due_details()
    body.refresh_from_db()
    assert [change.what for change in told] == [Changed.DETAILS]
    assert "data/model.pth" in [row["path"] for row in body.files]


@pytest.mark.mlflow
def test_versions_that_an_alias_points_to_are_watched(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"))
    mlflow_registry.version("churn")
    mlflow_registry.alias("churn", "champion", 1)
    synchronise(requested_by="a test")
    ModelVersion.objects.update(created_at=timezone.now() - timedelta(days=30))
    services.read_due_details()
    assert [row.details_due_at is not None for row in ModelVersion.objects.order_by("number")] == [True, False]


@pytest.mark.mlflow
def test_reading_the_same_again_tells_nothing(mlflow_registry, told):
    mlflow_registry.version(mlflow_registry.model("churn"))
    version = mirrored()
    events = AuditEvent.objects.count()
    detail_jobs.read_version(version.pk)
    assert told == []  # nor does the first reading of the environment: nobody knew it otherwise
    ModelVersion.objects.update(details_due_at=timezone.now())
    services.read_due_details()
    version.refresh_from_db()
    assert (AuditEvent.objects.count(), told, version.environment) == (events, [], {keeping.COMPLETE: True})


@pytest.mark.mlflow
def test_versions_in_use_are_looked_at_every_six_hours(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"))
    mlflow_registry.stage("churn", 1, "Production")
    version = mirrored(created_at=timezone.now() - timedelta(days=30))
    assert version.details_due_at - version.details_at == timedelta(hours=6)


def test_a_version_that_comes_into_use_is_looked_at():
    rows.version(rows.model(), 1, stage="Staging", details_state="loaded", details_at=timezone.now())
    assert (detail_jobs.watch("default"), [row.number for row in detail_jobs.next_due("default", 5)]) == (1, [1])


def test_only_due_versions_of_the_connection_are_read():
    rows.version(rows.model(), 1, details_due_at=timezone.now() + timedelta(hours=1))
    assert (detail_jobs.next_due("default", 5), services.enqueue_details("t", "default")) == ([], None)


@pytest.mark.mlflow
def test_an_older_answer_does_not_replace_a_newer_one(mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), metrics={"auc": 0.9})
    version = mirrored()
    earlier = version.details_at - timedelta(seconds=1)
    assert keeping.keep(version, keeping.Details(), asked_at=earlier) is False
    assert version.metrics == {"auc": 0.9}


@pytest.mark.mlflow
def test_an_opened_version_is_read_at_once_and_thoroughly(client, charlie, mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"), metrics={"auc": 0.9})
    synchronise(requested_by="a test")
    client.force_login(charlie)
    page = client.get("/models/churn/v/1/").content.decode()
    job = Job.objects.get(kind="registry.version_details")
    assert ("They are being read now" in page, job.requested_by) == (True, "charlie")
    waiting = client.get("/models/churn/v/1/", headers={"HX-Request": "true"})
    run_job(job.pk)
    done = client.get("/models/churn/v/1/", headers={"HX-Request": "true"})
    assert ("HX-Refresh" in waiting.headers, done.headers["HX-Refresh"]) == (False, "true")
    version = ModelVersion.objects.get()
    assert (version.metrics, version.environment) == ({"auc": 0.9}, {keeping.COMPLETE: True})
    assert "being read now" not in client.get("/models/churn/v/1/").content.decode()


def test_a_page_asks_once_however_often_it_is_opened(client, charlie):
    rows.version(rows.model(), 1, details_due_at=timezone.now())
    client.force_login(charlie)
    for _time in range(3):
        client.get("/models/churn/v/1/")
    assert Job.objects.count() == 1


def test_a_version_that_could_not_be_read_waits_for_its_turn(client, charlie, broken):
    version = rows.version(rows.model(), 1, run_id="x", details_due_at=timezone.now())
    broken.always(Reply(status=500))
    with pytest.raises(UpstreamUnavailable):
        detail_jobs.read_version(version.pk)
    client.force_login(charlie)
    client.get("/models/churn/v/1/")
    assert Job.objects.count() == 0


def test_what_was_read_survives_a_failure(broken):
    version = rows.version(rows.model(), 1, run_id="x", details_state="loaded", details_at=rows.THEN, metrics={"a": 1})
    broken.always(Reply(status=500))
    with pytest.raises(UpstreamUnavailable):
        detail_jobs.read_version(version.pk)
    version.refresh_from_db()
    assert (version.details_state, version.metrics, version.details_failures) == ("loaded", {"a": 1}, 1)


@pytest.mark.mlflow
def test_a_reading_that_comes_after_the_deletion_keeps_what_was_read(mlflow_registry, told):
    mlflow_registry.version(mlflow_registry.model("churn"), requirements="a==1\n")
    version = mirrored()
    mlflow_registry.delete_version("churn", 1)
    detail_jobs.read_version(version.pk)
    version.refresh_from_db()
    assert (version.requirements, bool(version.mlmodel), told) == (["a==1"], True, [])
    assert version.details_error == "MLflow no longer has this version."


def test_a_deleted_version_is_never_read_again():
    version = rows.version(rows.model(), 1, deleted_at=timezone.now())
    assert services.enqueue_version(version, "t") is None
