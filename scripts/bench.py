"""Compare Assent with the MLflow behind it: the same 100 models, the same machine, the same minute.

Absolute times depend on the machine, so the result is ratios. Usage: python scripts/bench.py
"""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from apps.demo import commands  # noqa: E402
from apps.demo.watchdog import stop  # noqa: E402

MODELS = 100
ROUNDS = 30
WAIT_SECONDS = 120
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> None:
    """Start both, fill MLflow, mirror it, measure in turns, print."""
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        web, mlflow = free_port(), free_port()
        address = f"http://127.0.0.1:{mlflow}"
        env = {
            **os.environ,
            "ASSENT_DATA_DIR": folder,
            "MLFLOW_BACKEND_URL": address,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        env.pop("DATABASE_URL", None)
        started: list[int] = []
        try:
            started.append(start(commands.mlflow(mlflow, Path(folder)), env))
            manage("migrate", "--verbosity", "0", env=env)
            wait_for(f"{address}/health")
            fill(address)
            manage("seed_demo", "--no-training", env=env)
            token = re.findall(r"\S{30,}", manage("create_token", "admin", "--name", "bench", env=env))[-1]
            started.append(start(commands.web(web), env))
            wait_for(f"http://127.0.0.1:{web}/healthz")
            measure(
                {
                    "MLflow: search, 100 models": (
                        f"{address}/api/2.0/mlflow/registered-models/search?max_results=100",
                        "",
                    ),
                    "Assent: API, 100 models": (f"http://127.0.0.1:{web}/api/v1/models/?page_size=100", token),
                    "MLflow: one model": (f"{address}/api/2.0/mlflow/registered-models/get?name=bench-000", ""),
                    "Assent: API, one model": (f"http://127.0.0.1:{web}/api/v1/models/bench-000/", token),
                }
            )
        finally:
            stop(set(started))


def measure(targets: dict[str, tuple[str, str]]) -> None:
    """Ask every target in turn, so that a busy moment hits all of them; print medians and ratios."""
    times: dict[str, list[float]] = {name: [] for name in targets}
    for _ in range(ROUNDS):
        for name, (url, token) in targets.items():
            began = time.perf_counter()
            ask(url, token)
            times[name].append((time.perf_counter() - began) * 1000)
    names = list(targets)
    for peer, ours in zip(names[::2], names[1::2], strict=True):
        theirs, own = statistics.median(times[peer]), statistics.median(times[ours])
        say(f"{peer}: {theirs:.0f} ms   {ours}: {own:.0f} ms   ratio {own / theirs:.2f}")


def fill(address: str) -> None:
    """Register the models, each with one version."""
    for number in range(MODELS):
        name = f"bench-{number:03}"
        ask(
            f"{address}/api/2.0/mlflow/registered-models/create",
            body={"name": name, "tags": [{"key": "team", "value": "x"}]},
        )
        run = ask(f"{address}/api/2.0/mlflow/runs/create", body={"experiment_id": "0"})["run"]["info"]
        source = run["artifact_uri"]
        body = {"name": name, "source": source, "run_id": run["run_id"]}
        ask(f"{address}/api/2.0/mlflow/model-versions/create", body=body)


def ask(url: str, token: str = "", body: dict | None = None) -> dict:
    """Return a JSON answer."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = json.dumps(body).encode() if body is not None else None
    with DIRECT.open(urllib.request.Request(url, data=data, headers=headers), timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def start(command: list[str], env: dict[str, str]) -> int:
    """Start a process in a group of its own and return the group."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, **quiet).pid  # noqa: S603


def manage(*words: str, env: dict[str, str]) -> str:
    """Run a management command and return what it printed."""
    command = commands.manage(*words)
    return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout  # noqa: S603


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


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
