"""What is attacked: a governed model whose versions are bound in each way, and somebody's own beside it.

alice holds the data scientist's role everywhere, dora on her own model alone, mallory nothing. `state` is everything
that an attempt could have changed, as MLflow itself says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from django.utils import timezone

from apps.accounts import giving
from apps.accounts.models import User
from apps.approvals.models import ProtectedAlias
from apps.registry import services as mirror
from apps.registry.models import DEFAULT_CONNECTION, Connection, ModelVersion, RegisteredModel
from tests.builders import make_policy
from tests.conftest import PASSWORD
from tests.servers.mlflow import MlflowRegistry

API = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts/"
Send = Callable[..., httpx.Response]
SECRET = "the weights of the governed model"


@dataclass
class World:
    """fraud v1: Production, of `run`. v2: asked for, of the logged model. v3: under @champion. v4: bound by nothing."""

    mlflow: MlflowRegistry
    dora: User
    run: str  # behind fraud v1
    asked: str  # the run behind fraud v2
    logged: str  # the logged model behind fraud v2
    hidden: str  # the experiment of all of fraud's runs
    trace: str  # in the hidden experiment
    own: str  # dora's experiment
    own_run: str
    own_logged: str

    def folder(self, run: str = "", experiment: str = "") -> str:
        """The path of a run's files."""
        return f"{experiment or self.hidden}/{run or self.run}/artifacts"

    def state(self) -> dict[str, Any]:
        """Everything, as MLflow says when asked behind Assent's back."""
        ask = self.mlflow.call
        models = ask("GET", "registered-models/search", max_results="100").get("registered_models", [])
        versions = ask("GET", "model-versions/search", max_results="100").get("model_versions", [])
        return {
            "models": sorted(models, key=lambda row: row["name"]),
            "versions": sorted(versions, key=lambda row: (row["name"], int(row["version"]))),
            "runs": [ask("GET", "runs/get", run_id=run)["run"] for run in (self.run, self.asked)],
            "logged": ask("GET", f"logged-models/{self.logged}"),
            "trace": self.trace_info(),
            "experiment": ask("GET", "experiments/get", experiment_id=self.hidden),
            "webhooks": self.mlflow.webhooks(),
            "files": {path: self.content(path) for path in (f"{self.folder()}/model/MLmodel", self.logged_file)},
        }

    @property
    def logged_file(self) -> str:
        return f"{self.hidden}/models/{self.logged}/artifacts/MLmodel"

    def content(self, path: str) -> str:
        """A file, straight from MLflow."""
        return httpx.get(f"{self.mlflow.url}{FILES}{path}", trust_env=False, timeout=60).text

    def trace_info(self) -> Any:
        """The trace in the hidden experiment."""
        answer = httpx.get(f"{self.mlflow.url}/api/3.0/mlflow/traces/{self.trace}", trust_env=False, timeout=60)
        return answer.json()


def build(mlflow: MlflowRegistry, send: Send, alice: User, erin: User) -> World:
    """Fill MLflow and the mirror."""
    dora = User.objects.create_user("dora", password=PASSWORD)
    hidden = mlflow.call("POST", "experiments/create", name=f"hidden {uuid4().hex}")["experiment_id"]
    run, asked, champion = (_run(mlflow, hidden) for _ in range(3))
    mlflow.model("fraud", tags={"risk": "high"})
    _version(mlflow, "fraud", run)
    logged = _logged(mlflow, hidden, asked["run_id"])
    mlflow.bare_version("fraud", source=f"models:/{logged}", model_id=logged, run_id=asked["run_id"])
    _version(mlflow, "fraud", champion)
    _version(mlflow, "fraud", champion)
    mlflow.stage("fraud", 1, "Production")
    mlflow.alias("fraud", "champion", 3)
    mlflow.model("own")
    make_policy("", group=erin.groups.get())
    ProtectedAlias.objects.create(alias="champion", added_by="admin")
    mirror.mirror_now(DEFAULT_CONNECTION, ["fraud", "own"])
    read = {"listed_at": timezone.now(), "completed_at": timezone.now()}  # the mirror holds all that there is
    Connection.objects.filter(pk=DEFAULT_CONNECTION).update(**read)
    giving.give_maker(dora, RegisteredModel.objects.get(name="own"))
    said = send(alice, "POST", f"{API}model-versions/transition-stage",
                json={"name": "fraud", "version": "2", "stage": "Production"})  # fmt: skip
    assert "/requests/" in said.json()["message"], said.text
    own = send(dora, "POST", f"{API}experiments/create", json={"name": f"own {uuid4().hex}"}).json()["experiment_id"]
    own_run = send(dora, "POST", f"{API}runs/create", json={"experiment_id": own}).json()["run"]["info"]["run_id"]
    world = World(mlflow, dora, run["run_id"], asked["run_id"], logged, hidden, _trace(mlflow, hidden), own, own_run,
                  _logged(mlflow, own, own_run))  # fmt: skip
    assert ModelVersion.objects.filter(deleted_at=None).count() == 4
    return world


def _run(mlflow: MlflowRegistry, experiment: str) -> dict[str, Any]:
    info = mlflow.call("POST", "runs/create", experiment_id=experiment, start_time=1, user_id="ann")["run"]["info"]
    mlflow.call("POST", "runs/log-metric", run_id=info["run_id"], key="accuracy", value=0.9, timestamp=1)
    mlflow.file(info, "model/MLmodel", SECRET)
    return info


def _version(mlflow: MlflowRegistry, name: str, info: dict[str, Any]) -> int:
    return mlflow.bare_version(name, source=f"{info['artifact_uri']}/model", run_id=info["run_id"])


def _logged(mlflow: MlflowRegistry, experiment: str, run: str) -> str:
    made = mlflow.call("POST", "logged-models", experiment_id=experiment, name="model", source_run_id=run)
    info = made["model"]["info"]
    mlflow.file(info, "MLmodel", SECRET)
    mlflow.call("PATCH", f"logged-models/{info['model_id']}", model_id=info["model_id"], status=2)
    return info["model_id"]


def _trace(mlflow: MlflowRegistry, experiment: str) -> str:
    trace = f"tr-{uuid4().hex}"
    info = trace_info(trace, experiment)
    answer = httpx.post(f"{mlflow.url}/api/3.0/mlflow/traces", json={"trace": {"trace_info": info}}, trust_env=False)
    assert answer.status_code == 200, answer.text
    return trace


def trace_info(trace: str, experiment: str, **more: Any) -> dict[str, Any]:
    """A trace as clients send one."""
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    times = {"request_time": "2026-05-04T12:00:00Z", "execution_duration": "1s", "state": "OK"}
    return {"trace_id": trace, "trace_location": place, **times, "request_preview": SECRET, **more}
