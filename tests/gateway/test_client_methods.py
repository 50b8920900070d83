"""Every method of the table that other servers publish of MLflow's client, without their caveats, one row each.

Each row uses MLflow's own client through the door, as a data scientist, and returns what it saw.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag

from apps.registry.models import ModelVersion, RegisteredModel

pytestmark = [pytest.mark.mlflow, pytest.mark.once, pytest.mark.filterwarnings("ignore")]


def a_model() -> Any:
    """A model that is trained in a moment."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit([[0.0], [1.0]], [0, 1])


def create_experiment(at: SimpleNamespace) -> Any:
    number = mlflow.create_experiment(f"{at.name} 2", tags={"team": "churn"})
    return at.client.get_experiment(number).tags["team"]


def get_experiment(at: SimpleNamespace) -> Any:
    return mlflow.get_experiment(at.experiment).name == at.name


def get_experiment_by_name(at: SimpleNamespace) -> Any:
    return mlflow.get_experiment_by_name(at.name).experiment_id == at.experiment, mlflow.get_experiment_by_name("none")


def delete_experiment(at: SimpleNamespace) -> Any:
    number = mlflow.create_experiment(f"{at.name} 3")
    mlflow.delete_experiment(number)
    return at.client.get_experiment(number).lifecycle_stage


def set_experiment(at: SimpleNamespace) -> Any:
    return mlflow.set_experiment(f"{at.name} 4").name == f"{at.name} 4"


def get_run(at: SimpleNamespace) -> Any:
    return mlflow.get_run(at.run).data.tags["mlflow.user"]


def delete_run(at: SimpleNamespace) -> Any:
    mlflow.delete_run(at.run)
    return at.client.get_run(at.run).info.lifecycle_stage


def start_run(at: SimpleNamespace) -> Any:
    with mlflow.start_run() as run:
        pass
    return bool(run.info.run_name), at.client.get_run(run.info.run_id).info.status


def search_runs(at: SimpleNamespace) -> Any:
    other = mlflow.create_experiment(f"{at.name} 5")
    for place, loss in ((other, 0.5), (at.experiment, 0.1)):
        with mlflow.start_run(experiment_id=place):
            mlflow.log_metric("loss", loss)
    found = mlflow.search_runs([at.experiment, other], "metrics.loss > 0", order_by=["metrics.loss DESC"])
    return list(found["metrics.loss"])


def log_artifact(at: SimpleNamespace) -> Any:
    mlflow.log_artifact(str(at.file("note.txt")), artifact_path="deep/folder", run_id=at.run)
    return files(at, "deep/folder")


def log_artifacts(at: SimpleNamespace) -> Any:
    at.file("tree/a.txt"), at.file("tree/b/c.txt")
    mlflow.log_artifacts(str(at.folder / "tree"), artifact_path="here", run_id=at.run)
    return files(at, "here"), files(at, "here/b")


def log_batch(at: SimpleNamespace) -> Any:
    at.client.log_batch(at.run, [Metric("m", 1.5, 1, 0)], [Param("p", "1")], [RunTag("t", "x")])
    data = at.client.get_run(at.run).data
    return data.metrics, data.params, data.tags["t"]


def log_metric(at: SimpleNamespace) -> Any:
    for step, value in enumerate((1.0, 2.0)):
        mlflow.log_metric("loss", value, step=step, run_id=at.run)
    return [metric.value for metric in at.client.get_metric_history(at.run, "loss")]


def log_metrics(at: SimpleNamespace) -> Any:
    mlflow.log_metrics({"a": 1.0, "b": float("inf")}, run_id=at.run)
    return at.client.get_run(at.run).data.metrics["a"]


def log_param(at: SimpleNamespace) -> Any:
    at.client.log_param(at.run, "depth", 3)
    return at.client.get_run(at.run).data.params


def log_params(at: SimpleNamespace) -> Any:
    mlflow.log_params({"depth": 3, "名前": "値"}, run_id=at.run)
    return at.client.get_run(at.run).data.params


def log_figure(at: SimpleNamespace) -> Any:
    from matplotlib.figure import Figure

    at.client.log_figure(at.run, Figure(), "plots/loss.png")
    return files(at, "plots")


def log_image(at: SimpleNamespace) -> Any:
    import numpy

    at.client.log_image(at.run, numpy.zeros((2, 2, 3), dtype=numpy.uint8), "pictures/one.png")
    return files(at, "pictures")


def log_text(at: SimpleNamespace) -> Any:
    mlflow.log_text("hello", "notes/a b%.txt", run_id=at.run)
    return mlflow.artifacts.load_text(f"runs:/{at.run}/notes/a b%.txt")


def log_dict(at: SimpleNamespace) -> Any:
    mlflow.log_dict({"a": 1}, "notes/facts.json", run_id=at.run)
    return mlflow.artifacts.load_dict(f"runs:/{at.run}/notes/facts.json")


def set_tag(at: SimpleNamespace) -> Any:
    at.client.set_tag(at.run, "phase", "one")
    return at.client.get_run(at.run).data.tags["phase"]


def set_tags(at: SimpleNamespace) -> Any:
    with mlflow.start_run(run_id=at.run):
        mlflow.set_tags({"phase": "two", "place": "here"})
    return at.client.get_run(at.run).data.tags["place"]


def set_terminated(at: SimpleNamespace) -> Any:
    at.client.set_terminated(at.run, "FAILED")
    return at.client.get_run(at.run).info.status


def end_run(at: SimpleNamespace) -> Any:
    run = mlflow.start_run()
    mlflow.end_run("KILLED")
    return at.client.get_run(run.info.run_id).info.status


def update_run(at: SimpleNamespace) -> Any:
    at.client.update_run(at.run, name="renamed")
    return at.client.get_run(at.run).info.run_name


def log_model(at: SimpleNamespace) -> Any:
    with mlflow.start_run(run_id=at.run):
        info = mlflow.sklearn.log_model(a_model(), name="model", registered_model_name="churn")
    version = ModelVersion.objects.select_related("model").get()
    return version.model.name, version.number, version.run_id == at.run, info.registered_model_version


def load_model(at: SimpleNamespace) -> Any:
    log_model(at)
    at.client.set_registered_model_alias("churn", "newest", 1)
    loaded = [mlflow.sklearn.load_model(f"models:/churn{which}") for which in ("/1", "@newest", "/latest")]
    return [list(model.predict([[0.0], [1.0]])) for model in loaded]


def download_artifacts(at: SimpleNamespace) -> Any:
    mlflow.log_text("hello", "deep/note.txt", run_id=at.run)
    found = mlflow.artifacts.download_artifacts(run_id=at.run, artifact_path="deep", dst_path=str(at.folder))
    return (Path(found) / "note.txt").read_text()


def list_artifacts(at: SimpleNamespace) -> Any:
    mlflow.log_text("hello", "deep/note.txt", run_id=at.run)
    return [(file.path, file.is_dir, file.file_size) for file in at.client.list_artifacts(at.run)]


def create_registered_model(at: SimpleNamespace) -> Any:
    at.client.create_registered_model("churn", {"team": "x"}, "Who leaves?")
    row = RegisteredModel.objects.get()
    return row.name, row.tags, row.description


def get_registered_model(at: SimpleNamespace) -> Any:
    at.client.create_registered_model("churn")
    return at.client.get_registered_model("churn").name


def update_registered_model(at: SimpleNamespace) -> Any:
    at.client.create_registered_model("churn")
    at.client.update_registered_model("churn", description="Who leaves, and when?")
    return RegisteredModel.objects.get().description


def create_model_version(at: SimpleNamespace) -> Any:
    version(at)
    return ModelVersion.objects.values_list("number", "run_id").get() == (1, at.run)


def get_model_version(at: SimpleNamespace) -> Any:
    version(at)
    return at.client.get_model_version("churn", "1").current_stage


def get_latest_versions(at: SimpleNamespace) -> Any:
    version(at), version(at)
    return [row.version for row in at.client.get_latest_versions("churn", stages=["None"])]


def update_model_version(at: SimpleNamespace) -> Any:
    version(at)
    at.client.update_model_version("churn", "1", "The first one.")
    return ModelVersion.objects.get().description


def set_model_version_tag(at: SimpleNamespace) -> Any:
    version(at)
    at.client.set_model_version_tag("churn", "1", "validated", "true")
    return ModelVersion.objects.get().tags


def delete_model_version_tag(at: SimpleNamespace) -> Any:
    set_model_version_tag(at)
    at.client.delete_model_version_tag("churn", "1", "validated")
    return ModelVersion.objects.get().tags


def search_model_versions(at: SimpleNamespace) -> Any:
    version(at), version(at)
    return [row.version for row in at.client.search_model_versions("name = 'churn'", order_by=["version_number ASC"])]


def copy_model_version(at: SimpleNamespace) -> Any:
    version(at)
    at.client.copy_model_version("models:/churn/1", "churn copy")
    return ModelVersion.objects.get(model__name="churn copy").source


ROWS: dict[Callable[[SimpleNamespace], Any], Any] = {
    create_experiment: "churn",
    get_experiment: True,
    get_experiment_by_name: (True, None),
    delete_experiment: "deleted",
    set_experiment: True,
    get_run: "alice",
    delete_run: "deleted",
    start_run: (True, "FINISHED"),
    search_runs: [0.5, 0.1],
    log_artifact: ["deep/folder/note.txt"],
    log_artifacts: (["here/a.txt", "here/b"], ["here/b/c.txt"]),
    log_batch: ({"m": 1.5}, {"p": "1"}, "x"),
    log_metric: [1.0, 2.0],
    log_metrics: 1.0,
    log_param: {"depth": "3"},
    log_params: {"depth": "3", "名前": "値"},
    log_figure: ["plots/loss.png"],
    log_image: ["pictures/one.png"],
    log_text: "hello",
    log_dict: {"a": 1},
    set_tag: "one",
    set_tags: "here",
    set_terminated: "FAILED",
    end_run: "KILLED",
    update_run: "renamed",
    log_model: ("churn", 1, True, "1"),
    load_model: [[0, 1]] * 3,
    download_artifacts: "hello",
    list_artifacts: [("deep", True, None)],
    create_registered_model: ("churn", {"team": "x"}, "Who leaves?"),
    get_registered_model: "churn",
    update_registered_model: "Who leaves, and when?",
    create_model_version: True,
    get_model_version: "None",
    get_latest_versions: ["2"],
    update_model_version: "The first one.",
    set_model_version_tag: {"validated": "true"},
    delete_model_version_tag: {},
    search_model_versions: ["1", "2"],
    copy_model_version: "models:/churn/1",
}


@pytest.mark.parametrize("method", ROWS, ids=lambda method: method.__name__)
def test_method_of_the_client_works_through_the_door(method, act_as, alice, tmp_path):
    assert method(beginning(act_as(alice), tmp_path)) == ROWS[method]


def test_deleting_needs_more_than_the_data_scientist(act_as, alice, admin, tmp_path):
    version(beginning(act_as(alice), tmp_path))
    with pytest.raises(mlflow.exceptions.MlflowException, match="Delete models and versions"):
        mlflow.MlflowClient().delete_registered_model("churn")
    client = act_as(admin)
    client.delete_model_version("churn", "1")
    client.delete_registered_model("churn")
    assert RegisteredModel.objects.get().deleted_at is not None


def beginning(client: mlflow.MlflowClient, folder: Path) -> SimpleNamespace:
    """An experiment with a run, in the names of this test alone."""
    experiment = client.create_experiment(folder.name)
    mlflow.set_experiment(experiment_id=experiment)
    run = client.create_run(experiment).info.run_id

    def file(path: str) -> Path:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("text")
        return folder / path

    return SimpleNamespace(client=client, name=folder.name, experiment=experiment, run=run, folder=folder, file=file)


def version(at: SimpleNamespace) -> None:
    """Register a version of churn from the run."""
    if not RegisteredModel.objects.exists():
        at.client.create_registered_model("churn")
    mlflow.log_text("flavors: {}", "model/MLmodel", run_id=at.run)
    source = f"{at.client.get_run(at.run).info.artifact_uri}/model"
    at.client.create_model_version("churn", source, at.run)


def files(at: SimpleNamespace, folder: str) -> list[str]:
    return [file.path for file in at.client.list_artifacts(at.run, folder)]
