"""A hundred models on SQLite, as `make demo` runs it: what a sync, an event and a page cost.

Absolute times depend on the machine, so the results are ratios. Both sides take turns, and of each side's times the
first quartile counts: other work on the machine only ever adds to them.
"""

import gzip
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from apps.demo import commands
from scripts.bench.asking import Caller
from scripts.bench.measuring import head, say, seconds
from scripts.bench.servers import ROOT, Processes, free_port, wait_for

MODELS = 100
TURNS = 20
EVENTS = 200
PAGES = ("/models/", "/models/bench-000/", "/models/bench-000/v/1/", "/requests/", "/audit/", "/people/", "/sign-in/")
API = "/api/2.0/mlflow"


def main() -> None:
    """Start both, fill MLflow, mirror it, measure, print."""
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as name:
        folder, web, mlflow = Path(name), free_port(), free_port()
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
        os.environ |= {
            "ASSENT_DATA_DIR": name,
            "ASSENT_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "MLFLOW_BACKEND_URL": f"http://127.0.0.1:{mlflow}",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        processes = Processes(folder / "log")
        try:
            processes.start("mlflow", commands.mlflow(mlflow, folder))
            subprocess.run(commands.manage("migrate", "--verbosity", "0"), cwd=ROOT, check=True)  # noqa: S603
            wait_for(mlflow)
            _measure(processes, web, Caller(f"http://127.0.0.1:{mlflow}"))
        finally:
            processes.stop()


def _measure(processes: Processes, port: int, theirs: Caller) -> None:
    fill(theirs)
    processes.start("web", commands.web(port))
    import django

    django.setup()
    head("100 models, SQLite", "ratio")
    measure_sync()
    measure_trail()
    ours = Caller(f"http://127.0.0.1:{port}", Cookie=signed_in())
    wait_for(port)
    measure_pages(ours, theirs)
    show_sizes(ours)


def fill(mlflow: Caller) -> None:
    """Register the models, each with one version that a run made."""
    for number in range(MODELS):
        name = f"bench-{number:03}"
        mlflow.post(f"{API}/registered-models/create", name=name, tags=[{"key": "team", "value": "x"}])
        run = mlflow.post(f"{API}/runs/create", experiment_id="0")["run"]["info"]
        mlflow.post(f"{API}/model-versions/create", name=name, source=run["artifact_uri"], run_id=run["run_id"])


def measure_sync() -> None:
    """Mirror everything, then again when nothing changed."""
    from apps.registry import sync

    first = seconds(lambda: sync.synchronise(requested_by="bench"))
    again = [seconds(lambda: sync.synchronise(requested_by="bench")) for _ in range(5)]
    tell("a sync that changes nothing / the first sync", quick(again) / first)


def measure_trail() -> None:
    """Record events, each in a transaction of its own, in turns with inserts that seal nothing."""
    from django.db import transaction
    from django.utils import timezone

    from apps.audit.actions import Action, Outcome, Source
    from apps.audit.models import AuditEvent
    from apps.audit.services import Actor, Target, record

    def sealed(number: int) -> None:
        with transaction.atomic():
            record(Action.MODEL_CHANGED, by=Actor("bench"), target=Target("model", f"model {number}", 1))

    def plain(number: int) -> None:
        with transaction.atomic():
            AuditEvent.objects.create(
                id=10**9 + number, at=timezone.now(), action=Action.MODEL_CHANGED, outcome=Outcome.DONE,
                source=Source.COMMAND, actor="bench", model_id=1, target_type="model", target=f"model {number}",
            )  # fmt: skip

    times = [(seconds(lambda n=n: sealed(n)), seconds(lambda n=n: plain(n))) for n in range(EVENTS)]
    ours, theirs = (quick(column) for column in zip(*times, strict=True))
    tell("recording an event in the chain / inserting a row", ours / theirs)


def measure_pages(ours: Caller, theirs: Caller) -> None:
    """Ask both for the same thing."""
    search = f"{API}/registered-models/search?max_results=100"
    model = f"{API}/registered-models/get?name=bench-000"
    version = f"{API}/model-versions/get?name=bench-000&version=1"
    for name, path, asked in (
        ("API, 100 models / MLflow's search", "/api/v1/models/?page_size=100", search),
        ("page of models / MLflow's search for 100", "/models/", search),
        ("API, one model / MLflow's get", "/api/v1/models/bench-000/", model),
        ("API, one version / MLflow's get", "/api/v1/models/bench-000/versions/1/", version),
        ("page of a model / MLflow's get", "/models/bench-000/", model),
        ("page of a version / MLflow's get", "/models/bench-000/v/1/", version),
    ):
        ours.get(path), theirs.get(asked)  # the first of each is slower: both may warm up
        times = [(seconds(lambda: ours.get(path)), seconds(lambda: theirs.get(asked))) for _ in range(TURNS)]  # noqa: B023
        own, peer = (quick(column) for column in zip(*times, strict=True))
        tell(name, own / peer)


def show_sizes(ours: Caller) -> None:
    """Print what a page weighs, as a proxy with gzip sends it."""
    head("page", "with gzip", "unpacked")
    for path in PAGES:
        caller = ours if path != "/sign-in/" else Caller(ours.address)
        body = caller.get(path)
        say(path, f"{len(gzip.compress(body, 6)) / 1024:.1f} KB", f"{len(body) / 1024:.0f} KB")


def signed_in() -> str:
    """Make an admin and return the cookie of their session."""
    from django.conf import settings
    from django.test import Client

    from apps.accounts.models import User

    client = Client()
    client.force_login(User.objects.create_superuser("bench", password="never used"))  # noqa: S106
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def quick(times: Iterable[float]) -> float:
    """Return the first quartile."""
    return statistics.quantiles(times, n=4)[0]


def tell(name: str, ratio: float) -> None:
    """Print a ratio: below 1, ours is quicker."""
    say(name, f"{ratio:.2f}")


if __name__ == "__main__":
    sys.exit(main())
