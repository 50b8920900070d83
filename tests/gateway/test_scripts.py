"""Training scripts as people have them, run by their own Python: only the two variables say where Assent is."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.approvals import services
from apps.approvals.models import ApprovalRequest, RequestState
from apps.gateway.governed import link_to
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry.models import ModelVersion
from tests.builders import make_policy

pytestmark = [pytest.mark.mlflow, pytest.mark.filterwarnings("ignore")]
SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture
def run_script(door, token_of, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script as a person; returns what it said."""

    def run(user, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        env = {
            **os.environ, "MLFLOW_TRACKING_URI": door, "MLFLOW_TRACKING_TOKEN": token_of(user),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "GIT_PYTHON_REFRESH": "quiet",
        }  # fmt: skip
        command = [sys.executable, "-W", "ignore", str(SCRIPTS / name), *words]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    return run


def test_a_script_with_autologging_runs_unmodified(run_script, alice, mlflow_registry):
    done = run_script(alice, "autolog.py")
    assert done.returncode == 0, done.stderr
    experiment = mlflow_registry.call("GET", "experiments/get-by-name", experiment_name="diabetes")["experiment"]
    found = mlflow_registry.call("POST", "runs/search", experiment_ids=[experiment["experiment_id"]])["runs"]
    tags = {tag["key"]: tag["value"] for tag in found[0]["data"]["tags"]}
    assert (tags["mlflow.user"], tags["estimator_name"], found[0]["info"]["status"]) == (
        "alice", "RandomForestRegressor", "FINISHED",
    )  # fmt: skip


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
