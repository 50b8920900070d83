"""The clients for R and Java, by the calls that they make: Basic sign-in, and fields where these two put them."""

import httpx
import pytest

from apps.registry.models import ModelVersion

pytestmark = [pytest.mark.mlflow, pytest.mark.once]
API = "/api/2.0/mlflow/"


@pytest.fixture
def as_alice(door, token_of, alice):
    """A client that signs in with a user name and a token as its password."""
    with httpx.Client(base_url=door + API, auth=("alice", token_of(alice)), trust_env=False, timeout=60) as http:
        yield http


def test_the_calls_of_the_client_for_r(as_alice, tmp_path):
    experiment = as_alice.post("experiments/create", json={"name": tmp_path.name}).json()["experiment_id"]
    begun = as_alice.post("runs/create", json={"experiment_id": experiment, "user_id": "somebody", "start_time": 1})
    run = begun.json()["run"]["info"]["run_id"]
    names = {"run_uuid": run, "run_id": run}
    logged = [
        as_alice.post("runs/log-metric", json={**names, "key": "m", "value": 1.5, "timestamp": 1, "step": 0}),
        as_alice.post("runs/log-parameter", json={**names, "key": "p", "value": "2"}),
        as_alice.post("runs/update", json={**names, "status": "FINISHED", "end_time": 2}),
    ]
    assert [answer.status_code for answer in logged] == [200, 200, 200]
    read = as_alice.get("runs/get", params=names).json()["run"]
    assert (read["info"]["status"], read["info"]["user_id"], read["data"]["metrics"][0]["value"]) == (
        "FINISHED", "alice", 1.5,
    )  # fmt: skip
    as_alice.post("registered-models/create", json={"name": "churn"})
    source = f"{read['info']['artifact_uri']}/model"
    as_alice.post("model-versions/create", json={"name": "churn", "source": source, "run_id": run})
    as_alice.patch("model-versions/update", json={"name": "churn", "version": "1", "description": "From R."})
    assert ModelVersion.objects.values_list("run_id", "description").get() == (run, "From R.")
    removed = as_alice.request("DELETE", "model-versions/delete", json={"name": "churn", "version": "1"})
    assert (removed.status_code, removed.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_the_calls_of_the_client_for_java(as_alice, tmp_path):
    experiment = as_alice.post("experiments/create", json={"name": tmp_path.name}).json()["experiment_id"]
    found = as_alice.get("experiments/get-by-name", params={"experiment_name": tmp_path.name}).json()
    assert found["experiment"]["experiment_id"] == experiment
    assert "experiments" in as_alice.post("experiments/search", json={"max_results": 10}).json()
    run = as_alice.post("runs/create", json={"experiment_id": experiment}).json()["run"]["info"]["run_id"]
    batch = {"run_id": run, "metrics": [{"key": "m", "value": 1, "timestamp": 1, "step": 0}], "params": [], "tags": []}
    assert as_alice.post("runs/log-batch", json=batch).json() == {}
    history = as_alice.get("metrics/get-history", params={"run_id": run, "metric_key": "m"}).json()
    assert [row["value"] for row in history["metrics"]] == [1.0]
    assert as_alice.get("artifacts/list", params={"run_id": run}).status_code == 200
    as_alice.post("registered-models/create", json={"name": "churn"})
    latest = as_alice.get("registered-models/get-latest-versions", params={"name": "churn", "stages": ["Production"]})
    assert (latest.status_code, latest.json()) == (200, {})


def test_a_password_of_a_person_is_no_token(door, alice):
    answer = httpx.get(door + API + "experiments/search", auth=("alice", "correct horse battery staple"))
    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")
