"""Training scripts as people have them, run by their own Python: only the two variables say where Assent is."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from apps.approvals import services
from apps.approvals.models import ApprovalRequest, RequestState
from apps.gateway.governed import link_to
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry.models import ModelVersion
from tests.builders import make_policy

pytestmark = [pytest.mark.mlflow, pytest.mark.filterwarnings("ignore")]
SCRIPTS = Path(__file__).parent / "scripts"
CLIENTS = Path(__file__).parents[2] / ".tools" / "clients"  # scripts/environment.sh puts them there


@pytest.fixture
def run_script(door, token_of, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script as a person; returns what it said."""

    def run(user, name: str, *words: str, client: str = "") -> subprocess.CompletedProcess[str]:
        env = {
            **os.environ, "PYTHONPATH": str(CLIENTS / client) if client else "",
            "MLFLOW_TRACKING_URI": door, "MLFLOW_TRACKING_TOKEN": token_of(user),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "GIT_PYTHON_REFRESH": "quiet",
        }  # fmt: skip
        command = [sys.executable, "-W", "ignore", str(SCRIPTS / name), *words]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    return run


@pytest.mark.once(on="postgresql")
def test_a_script_with_autologging_runs_unmodified(run_script, alice, mlflow_registry):
    done = run_script(alice, "autolog.py")
    assert done.returncode == 0, done.stderr
    experiment = mlflow_registry.call("GET", "experiments/get-by-name", experiment_name="diabetes")["experiment"]
    found = mlflow_registry.call("POST", "runs/search", experiment_ids=[experiment["experiment_id"]])["runs"]
    tags = {tag["key"]: tag["value"] for tag in found[0]["data"]["tags"]}
    assert (tags["mlflow.user"], tags["estimator_name"], found[0]["info"]["status"]) == (
        "alice", "RandomForestRegressor", "FINISHED",
    )  # fmt: skip


@pytest.mark.once(on="postgresql")
def test_the_chapter_on_the_registry_moves_a_version_once_it_is_signed_off(run_script, alice, bob):
    make_policy()
    trained = run_script(alice, "registry_chapter.py", "train")
    assert (trained.returncode, trained.stdout.splitlines()[-2:]) == (0, ["2 None", "1 None"]), trained.stderr
    refused = run_script(alice, "registry_chapter.py", "stages")
    request = ApprovalRequest.objects.get()
    assert f"Request {request.pk} was opened for it: {link_to(request.pk)}" in refused.stderr
    again = run_script(alice, "registry_chapter.py", "stages")
    assert f"Request {request.pk} asks for it already" in again.stderr
    services.act(request.pk, "approve", by=bob, evidence_digest=request.evidence_digest)
    run_job(Job.objects.get(kind=services.APPLY_JOB).pk)
    assert ApprovalRequest.objects.get().state == RequestState.APPLIED
    moved = run_script(alice, "registry_chapter.py", "stages")
    assert moved.stdout.splitlines() == ["v2 is in Production", "['2']"], moved.stderr
    assert ModelVersion.objects.get(number=2).description == "現在の本番モデル。バランスの取れた性能。"


@pytest.mark.once
@pytest.mark.parametrize("client", ["3.15", "3.16"])
def test_the_same_script_runs_with_older_clients(run_script, alice, client):
    trained = run_script(alice, "registry_chapter.py", "train", client=client)
    said = trained.stdout.splitlines()
    assert (said[0].rpartition(".")[0], said[-2:]) == (f"MLflow {client}", ["2 None", "1 None"]), trained.stderr


def test_a_policy_that_refuses_clients_opens_no_request(act_as, alice, mlflow_registry):
    make_policy(refuse_clients=True)
    client = act_as(alice)
    client.create_registered_model("churn")
    mlflow_registry.version("churn")
    with pytest.raises(MlflowException, match=r"takes no requests from MLflow clients.*/models/churn/v/1/"):
        client.transition_model_version_stage("churn", "1", "Production")
    assert (ApprovalRequest.objects.count(), mlflow_registry.stage_of("churn", 1)) == (0, "None")
