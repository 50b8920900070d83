"""The MLflow door: what a client pays for going through Assent, against the same MLflow asked directly.

One MLflow worker and one web worker of Assent, both on PostgreSQL; both sides take turns. `SIZE=6` moves a file of so
many GiB too.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from urllib.parse import urlsplit

from apps.demo import commands
from scripts.bench import large
from scripts.bench.asking import TIMEOUT, Caller
from scripts.bench.measuring import head, in_turns, say, seconds, verdict
from scripts.bench.servers import Processes, database, free_port, redis, wait_for
from tests.servers.postgres import postgres_url

API = "/api/2.0/mlflow"
MODELS = 100
MIB = 2**20
PIECE = 1 * MIB
SMALL, LARGE = 10, 2048  # MiB
MOVED = 256  # MiB of the file by which speed is measured
TURNS, FILE_TURNS, BATCHES = 200, 5, 60
CONNECTIONS = (1, 8, 32)
SPAN, SPANS = 2.0, 5  # seconds of asking as fast as answers come, and how often on each side
ADDED, THROUGHPUT, BATCH, SPEED, MEMORY = 4.0, 0.8, 1.1, 0.9, 50.0  # ms, ratios, MiB
Asking = Callable[[Caller], object]


def main() -> None:
    """Start what is needed, measure, and drop it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assent-bench-")))
        processes = Processes(folder / "log")
        theirs, ours = (stack.enter_context(database(postgres_url(), name)) for name in ("mlflow", "assent"))
        stack.callback(processes.stop)
        os.environ |= large.environment(folder, ours, mlflow=free_port(), redis=redis(processes, folder))
        os.environ["RATE_GATEWAY_PER_MINUTE"] = "10000000"  # counted, and never too many
        mlflow = large.start_mlflow(processes, theirs, folder)
        large.migrate(ours)
        import django

        django.setup()
        from scripts.bench import visitors

        port = int(os.environ["PORT"])
        processes.start("web", commands.web(port))
        wait_for(port)
        door = visitors.trainer(f"http://127.0.0.1:{port}")
        measure(processes, mlflow, door)


def measure(processes: Processes, direct: Caller, door: Caller) -> None:
    """Fill MLflow through the door, and ask both."""
    run = fill(door)
    subprocess.run([sys.executable, "manage.py", "sync"], check=True, stdout=subprocess.DEVNULL)
    experiment = {"experiment_id": "0"}
    reading: Asking = lambda caller: caller.get(f"{API}/experiments/get", **experiment)  # noqa: E731
    version: Asking = lambda caller: caller.get(f"{API}/model-versions/get", name="bench-000", version="1")  # noqa: E731
    metric: Asking = lambda caller: caller.post(  # noqa: E731
        f"{API}/runs/log-metric", run_id=run["run_id"], key="loss", value=0.5, timestamp=1, step=int(time.time() * 1e6)
    )
    head("one after the other, ms (median / p95)", "direct", "through the door", "added at the median")
    for name, asking in (("experiments/get", reading), ("model-versions/get", version), ("log_metric", metric)):
        latency(name, asking, direct, door)
    batch(direct, door)
    search(direct, door)
    head("calls a second", "connections", "direct", "through the door", "ratio")
    for name, asking in (("experiments/get", reading), ("log_metric", metric)):
        for connections in CONNECTIONS:
            throughput(name, asking, connections, direct, door)
    files(run, processes, direct, door)


def fill(door: Caller) -> dict[str, Any]:
    """Register models, each with a version of one run. Returns what MLflow says of the run."""
    run: dict[str, Any] = door.post(f"{API}/runs/create", experiment_id="0")["run"]["info"]
    for number in range(MODELS):
        name = f"bench-{number:03}"
        door.post(f"{API}/registered-models/create", name=name)
        door.post(f"{API}/model-versions/create", name=name, source=run["artifact_uri"], run_id=run["run_id"])
    return run


def latency(name: str, asking: Asking, direct: Caller, door: Caller) -> None:
    """Ask both in turns."""
    theirs, ours = in_turns(lambda: asking(direct), lambda: asking(door), turns=TURNS)
    added = ours.median - theirs.median
    say(name, str(theirs), str(ours), f"{added:.1f}, {verdict(added <= ADDED, f'{ADDED:.0f} ms')}")


def batch(direct: Caller, door: Caller) -> None:
    """Log a thousand metrics at once, ten times on one side and ten on the other.

    Each time to another run, for MLflow takes longer the more a run has; and two to six times as long for a batch that
    comes over another connection than the one before, whoever asks.
    """
    metrics = [{"key": f"m{n}", "value": n / 7, "timestamp": 1, "step": 1} for n in range(1000)]
    runs = [door.post(f"{API}/runs/create", experiment_id="0")["run"]["info"]["run_id"] for _ in range(2 * BATCHES)]

    def asking(caller: Caller) -> object:
        return caller.post(f"{API}/runs/log-batch", run_id=runs.pop(), metrics=metrics)

    theirs, ours = in_turns(lambda: asking(direct), lambda: asking(door), turns=5, times=10)
    ratio = ours.median / theirs.median
    say("log_batch of 1,000 metrics", str(theirs), str(ours), f"× {ratio:.2f}, {verdict(ratio <= BATCH, f'× {BATCH}')}")


def search(direct: Caller, door: Caller) -> None:
    """Search the registry."""
    for name, query in (
        ("registered-models/search, 100 rows", {"max_results": "100"}),
        ("model-versions/search of a run", {"filter": "name LIKE 'bench-0%'", "max_results": "100"}),
    ):
        path = f"{API}/{name.partition(',')[0].partition(' ')[0]}"
        theirs, ours = in_turns(
            lambda: direct.get(path, **query),  # noqa: B023
            lambda: door.get(path, **query),  # noqa: B023
            turns=50,
        )
        ratio = ours.median / theirs.median
        say(name, str(theirs), str(ours), f"× {ratio:.2f}, {verdict(ratio <= 1, 'never slower')}")


def throughput(name: str, asking: Asking, connections: int, *sides: Caller) -> None:
    """Ask over so many connections at once, each as fast as answers come, in turns."""
    rates: list[list[float]] = [[], []]
    for turn in range(SPANS):
        for side, found in list(zip(sides, rates, strict=True))[:: 1 if turn % 2 else -1]:
            found.append(_rate(asking, connections, side))
    theirs, ours = (statistics.mean(found) for found in rates)
    ratio = ours / theirs
    say(name, str(connections), f"{theirs:.0f}", f"{ours:.0f}", f"{ratio:.2f}, {verdict(ratio >= THROUGHPUT, '0.8')}")


def _rate(asking: Asking, connections: int, side: Caller) -> float:
    start, counts = Barrier(connections + 1), [0] * connections

    def ask(number: int) -> None:
        caller = Caller(side.address, **side.headers)
        asking(caller)
        start.wait()
        until = time.perf_counter() + SPAN
        while time.perf_counter() < until:
            asking(caller)
            counts[number] += 1
        caller.close()

    threads = [Thread(target=ask, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    start.wait()
    took = seconds(lambda: [thread.join() for thread in threads])
    return sum(counts) / took


def files(run: dict[str, Any], processes: Processes, direct: Caller, door: Caller) -> None:
    """Move files of several sizes up and down."""
    folder = "/api/2.0/mlflow-artifacts/artifacts/" + run["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
    path = f"{folder}/file.bin"
    head("files, MB/s", "direct", "through the door", "ratio")
    for name, move in (("up", put), ("down", get)):
        rows = [[MOVED * MIB / 1e6 / move(side, path, MOVED) for side in (direct, door)] for _ in range(FILE_TURNS)]
        theirs, ours = (statistics.median(column) for column in zip(*rows, strict=True))
        ratio = statistics.median(ours / theirs for theirs, ours in rows)
        say(f"{name}, {MOVED} MiB", f"{theirs:.0f}", f"{ours:.0f}", f"{ratio:.2f}, {verdict(ratio >= SPEED, '0.9')}")
    head("largest memory of the web worker, MiB", "", "more than before files")
    idle = processes.peak("web")
    say("before files above 256 MiB", f"{idle:.0f}", "")
    sizes = [SMALL, LARGE] + ([int(float(os.environ["SIZE"]) * 1024)] if os.environ.get("SIZE") else [])
    for size in sizes:
        took = put(door, path, size), get(door, path, size)
        more = processes.peak("web") - idle
        speeds = " and ".join(f"{size * MIB / 1e6 / one:.0f}" for one in took)
        say(f"{size} MiB up and down at {speeds} MB/s", f"{idle + more:.0f}", verdict(more <= MEMORY, "50 MiB"))


def put(caller: Caller, path: str, size: int) -> float:
    """Store a file of so many MiB. Returns the seconds it took."""
    return seconds(lambda: _exchange(caller, "PUT", path, size))


def get(caller: Caller, path: str, size: int) -> float:
    """Fetch a file of so many MiB. Returns the seconds it took."""
    return seconds(lambda: _exchange(caller, "GET", path, size))


def _exchange(caller: Caller, method: str, path: str, size: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(caller.address).netloc, timeout=TIMEOUT, blocksize=PIECE)
    headers = caller.headers | ({"Content-Length": str(size * MIB)} if method == "PUT" else {})
    connection.request(method, path, _pieces(size) if method == "PUT" else None, headers)
    answer, received = connection.getresponse(), 0
    while piece := answer.read(PIECE):
        received += len(piece)
    connection.close()
    if answer.status != 200 or (method == "GET" and received != size * MIB):
        raise RuntimeError(json.dumps([method, path, answer.status, received]))


def _pieces(size: int) -> Iterator[bytes]:
    piece = bytes(range(256)) * (PIECE // 256)
    for _ in range(size):
        yield piece


if __name__ == "__main__":
    main()
