"""What a sync costs: the first import beside merely paging through MLflow, then syncs after few changes or none."""

import json
import os
import subprocess
import time
from typing import Any

from scripts.bench import seeding
from scripts.bench.asking import Caller
from scripts.bench.measuring import head, say, verdict
from scripts.bench.servers import ROOT, python

API = "/api/2.0/mlflow"
PAGE = "1000"  # rows: the most that MLflow gives of models
MOST_SECONDS, MOST_CALLS = 1.3, 8  # times paging; calls per changed model


def page_through(mlflow: Caller) -> tuple[float, int]:
    """Read all models and all versions, by name, keeping nothing. Returns seconds and calls."""
    began, calls = time.perf_counter(), 0
    for path in ("registered-models", "model-versions"):
        token = ""
        while True:
            more = {"page_token": token} if token else {}
            answer = mlflow.json(f"{API}/{path}/search", max_results=PAGE, order_by="name ASC", **more)
            calls, token = calls + 1, answer.get("next_page_token", "")
            if not token:
                break
    return time.perf_counter() - began, calls


def sync(database: str, *words: str) -> dict[str, Any]:
    """Run one sync into this database, in a process of its own. Returns what it printed."""
    command, environment = python("scripts.bench.one_sync", *words), os.environ | {"DATABASE_URL": database}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)  # noqa: S603
    return json.loads(done.stdout)


def measure_import(mlflow: Caller, database: str) -> None:
    """The first import of everything, right after the paging that it is compared with."""
    paging, calls = page_through(mlflow)
    found = sync(database, "--full")
    ratio = found["seconds"] / paging
    head("first import", "seconds", "calls", "memory before → peak (MB)")
    say(f"paging through MLflow, {PAGE} rows a page", f"{paging:.1f}", str(calls), "")
    say("import into Assent", f"{found['seconds']:.1f}", str(found["calls"]), _memory(found))
    say("ratio", f"{ratio:.2f}", verdict(ratio <= MOST_SECONDS, f"≤ {MOST_SECONDS}"), "")


def measure_changes(mlflow: Caller, database: str, few: dict[str, Any]) -> None:
    """Syncs with nothing changed, with 10 and with 100 changes; `few` is the one of a thousand models."""
    head("sync", "kind", "seconds", "calls", "memory before → peak (MB)")
    nothing = sync(database, "--changes")
    _say("nothing changed, 1,001 models", few)
    _say("nothing changed, 10,001 models", nothing)
    found = {}
    for changes in (10, 100):
        change(mlflow, changes)
        found[changes] = sync(database, "--changes")
        _say(f"{changes} changes, 10,001 models", found[changes])
    same = nothing["calls"] == few["calls"]
    growth = (found[100]["calls"] - nothing["calls"]) / 100
    say(verdict(same, "calls with nothing changed independent of the size"), "", "", "", "")
    say(f"calls per change: {growth:.2f}", verdict(growth <= MOST_CALLS, f"≤ {MOST_CALLS}"), "", "", "")


def change(mlflow: Caller, count: int) -> None:
    """Change so many models through MLflow's API: a third each gets a version, a stage, a description."""
    for place, name in enumerate(seeding.names(0, count)):
        if place % 3 == 0:
            mlflow.post(f"{API}/model-versions/create", name=name, source="s3://models/new")
        elif place % 3 == 1:
            moved = {"name": name, "version": "10", "stage": "Staging", "archive_existing_versions": False}
            mlflow.post(f"{API}/model-versions/transition-stage", **moved)
        else:
            mlflow.patch(f"{API}/registered-models/update", name=name, description=f"Changed {time.time_ns()}.")


def _memory(found: dict[str, Any]) -> str:
    return f"{found['before']:.0f} → {found['peak']:.0f}"


def _say(name: str, found: dict[str, Any]) -> None:
    say(name, found["kind"], f"{found['seconds']:.2f}", str(found["calls"]), _memory(found))
