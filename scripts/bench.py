"""Measure Assent against the MLflow behind it: the same 100 models, the same machine, the same minute.

Absolute times depend on the machine, so the results are ratios. Both sides take turns, and of each side's times the
first quartile counts: other work on the machine only ever adds to them. Usage: make bench.
docs/performance.md says what came out.
"""

import gzip
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from apps.demo import commands  # noqa: E402
from apps.demo.watchdog import stop  # noqa: E402

MODELS = 100
TURNS = 20
EVENTS = 200
WAIT_SECONDS = 180
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PAGES = ("/models/", "/models/bench-000/", "/models/bench-000/v/1/", "/requests/", "/audit/", "/people/", "/sign-in/")


def main() -> None:
    """Start both, fill MLflow, mirror it, measure, print."""
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        web, mlflow = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        os.environ.pop("DATABASE_URL", None)
        os.environ |= {
            "ASSENT_DATA_DIR": folder,
            "ASSENT_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "MLFLOW_BACKEND_URL": mlflow,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        started: list[int] = []
        try:
            started.append(start(commands.mlflow(port_of(mlflow), Path(folder))))
            subprocess.run(commands.manage("migrate", "--verbosity", "0"), cwd=ROOT, check=True)  # noqa: S603
            wait_for(f"{mlflow}/health")
            fill(mlflow)
            started.append(start(commands.web(port_of(web))))
            import django

            django.setup()
            measure_sync()
            measure_trail()
            cookie = signed_in()
            wait_for(f"{web}/healthz")
            measure_pages(web, mlflow, cookie)
            show_sizes(web, cookie)
        finally:
            stop(set(started))


def fill(mlflow: str) -> None:
    """Register the models, each with one version that a run made."""
    for number in range(MODELS):
        name, api = f"bench-{number:03}", f"{mlflow}/api/2.0/mlflow"
        ask(f"{api}/registered-models/create", body={"name": name, "tags": [{"key": "team", "value": "x"}]})
        run = json.loads(ask(f"{api}/runs/create", body={"experiment_id": "0"}))["run"]["info"]
        version = {"name": name, "source": run["artifact_uri"], "run_id": run["run_id"]}
        ask(f"{api}/model-versions/create", body=version)


def measure_sync() -> None:
    """Mirror everything, then again when nothing changed."""
    from apps.registry import sync

    first = seconds(lambda: sync.synchronise(requested_by="bench"))
    again = [seconds(lambda: sync.synchronise(requested_by="bench")) for _ in range(5)]
    say("a sync that changes nothing / the first sync", quick(again) / first)


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
    say("recording an event in the chain / inserting a row", ours / theirs)


def measure_pages(web: str, mlflow: str, cookie: str) -> None:
    """Ask both for the same thing."""
    search = f"{mlflow}/api/2.0/mlflow/registered-models/search?max_results=100"
    model = f"{mlflow}/api/2.0/mlflow/registered-models/get?name=bench-000"
    version = f"{mlflow}/api/2.0/mlflow/model-versions/get?name=bench-000&version=1"
    for name, ours, theirs in (
        ("API, 100 models / MLflow's search", f"{web}/api/v1/models/?page_size=100", search),
        ("page of models / MLflow's search for 100", f"{web}/models/", search),
        ("API, one model / MLflow's get", f"{web}/api/v1/models/bench-000/", model),
        ("API, one version / MLflow's get", f"{web}/api/v1/models/bench-000/versions/1/", version),
        ("page of a version / MLflow's get", f"{web}/models/bench-000/v/1/", version),
    ):
        ask(ours, cookie), ask(theirs)  # the first of each is slower: both may warm up
        times = [(seconds(lambda: ask(ours, cookie)), seconds(lambda: ask(theirs))) for _ in range(TURNS)]  # noqa: B023
        own, peer = (quick(column) for column in zip(*times, strict=True))
        say(name, own / peer)


def show_sizes(web: str, cookie: str) -> None:
    """Print what a page weighs, as a proxy with gzip sends it."""
    for path in PAGES:
        body = ask(f"{web}{path}", cookie if path != "/sign-in/" else "")
        sys.stdout.write(
            f"{path:52} {len(gzip.compress(body, 6)) / 1024:5.1f} KB ({len(body) / 1024:.0f} KB unpacked)\n"
        )


def signed_in() -> str:
    """Return the cookie of an admin's session."""
    from django.conf import settings
    from django.test import Client

    from apps.accounts.models import User

    client = Client()
    client.force_login(User.objects.create_superuser("bench", password="never used"))  # noqa: S106
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def seconds(run: Callable[[], object]) -> float:
    """Return how long it takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def quick(times: Iterable[float]) -> float:
    """Return the first quartile."""
    return statistics.quantiles(times, n=4)[0]


def ask(url: str, cookie: str = "", body: dict | None = None) -> bytes:
    """Return the body of an answer."""
    headers = {"Content-Type": "application/json", **({"Cookie": cookie} if cookie else {})}
    data = json.dumps(body).encode() if body is not None else None
    with DIRECT.open(urllib.request.Request(url, data=data, headers=headers), timeout=60) as answer:  # noqa: S310
        return answer.read()


def start(command: list[str]) -> int:
    """Start a process in a group of its own and return the group."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, **quiet).pid  # noqa: S603


def wait_for(url: str) -> None:
    """Wait until `url` answers. Raises TimeoutError."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with DIRECT.open(url, timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(url) from error
            time.sleep(0.2)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_of(address: str) -> int:
    """Return the port of an address of ours."""
    return int(address.rsplit(":", 1)[1])


def say(name: str, ratio: float) -> None:
    """Print a ratio: below 1, ours is quicker."""
    sys.stdout.write(f"{name:52} {ratio:5.2f}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
