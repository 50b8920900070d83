"""How soon a change in MLflow can be seen in Assent, when MLflow tells of it."""

import statistics
import time

from apps.demo import commands
from scripts.bench import seeding, visitors
from scripts.bench.asking import Caller
from scripts.bench.measuring import head, say, verdict
from scripts.bench.servers import Processes

API = "/api/2.0/mlflow"
CHANGES, MOST_SECONDS, PATIENCE = 20, 2.0, 30.0
LOOK_EVERY = 0.02  # seconds
START_SECONDS = 5.0  # for a worker to begin, and for MLflow to forget the webhooks that it knew before


def measure(api: Caller, mlflow: Caller, processes: Processes) -> None:
    """Set a tag, an alias or a version through MLflow's API, and look at Assent's until it shows."""
    from apps.registry.webhooks import registering

    registering.register("default", by=visitors.admin())
    processes.start("worker", commands.worker())
    time.sleep(START_SECONDS)
    _until_seen(api, mlflow, 0)  # the first one warms up
    times = [_until_seen(api, mlflow, turn) for turn in range(1, CHANGES + 1)]
    head("a change in MLflow to its sight in Assent, with a webhook", "seconds")
    say(f"median of {CHANGES}", f"{statistics.median(times):.2f}")
    say("slowest", f"{max(times):.2f}", verdict(max(times) <= MOST_SECONDS, f"≤ {MOST_SECONDS:g} s"))


def _until_seen(api: Caller, mlflow: Caller, turn: int) -> float:
    """Return the seconds from the moment before the change to the answer that shows it. Raises TimeoutError."""
    name = seeding.names(turn * 7, turn * 7 + 1)[0]
    began = time.perf_counter()
    if turn % 2:
        mlflow.post(f"{API}/model-versions/set-tag", name=name, version="10", key="bench", value=f"turn {turn}")
    else:
        mlflow.post(f"{API}/registered-models/alias", name=name, alias=f"turn-{turn}", version="10")
    while time.perf_counter() < began + PATIENCE:
        seen = api.json(f"/api/v1/models/{name}/versions/10/")
        if seen["tags"].get("bench") == f"turn {turn}" or f"turn-{turn}" in seen["aliases"]:
            return time.perf_counter() - began
        time.sleep(LOOK_EVERY)
    raise TimeoutError(f"{name}: a change was not seen within {PATIENCE:g} seconds.")
