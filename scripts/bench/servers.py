"""Processes and databases of a bench: started on free ports, dropped at its end, nothing shared with anybody else."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

import psycopg

from apps.demo.watchdog import running, stop

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 240


@dataclass
class Processes:
    """The process groups that were started; `stop` ends them all."""

    log: Path
    groups: dict[str, int] = field(default_factory=dict)

    def start(self, name: str, command: list[str], **environment: str) -> None:
        """Start a process in a group of its own; what it says goes to the log."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, cwd=ROOT, start_new_session=True, stdout=log, stderr=log, env=os.environ | environment
            )
        self.groups[name] = process.pid

    def stop(self, *names: str) -> None:
        """End these, or all."""
        stop({self.groups.pop(name) for name in names or tuple(self.groups)})

    def peak(self, name: str) -> float:
        """Return the largest memory (MB) that any one process of this group ever held; 0 without /proc."""
        found = [0]
        for process in running(self.groups[name]):
            status = Path(f"/proc/{process}/status")
            lines = status.read_text().splitlines() if status.exists() else []
            found += [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
        return max(found) / 1024


def wait_for(port: int) -> None:
    """Wait until somebody listens on `port`. Raises TimeoutError."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"Nobody listens on port {port} after {WAIT_SECONDS} seconds.")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def database(server: str, purpose: str) -> Iterator[str]:
    """Make a database on the PostgreSQL server at the URL `server`, and drop it at the end; yields its URL."""
    name = f"assent_bench_{os.getpid()}_{purpose}"
    try:
        _execute(server, f'CREATE DATABASE "{name}"')
        yield urlunsplit(_at(server)._replace(path=f"/{name}"))
    finally:
        _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def for_psycopg(url: str) -> str:
    """The same address as psycopg reads it."""
    return urlunsplit(_at(url)._replace(scheme="postgresql"))


def for_mlflow(url: str) -> str:
    """The same address as MLflow reads it."""
    return urlunsplit(_at(url)._replace(scheme="postgresql+psycopg"))


def redis(processes: Processes, folder: Path) -> str:
    """Start a Redis that keeps nothing and return its URL; an empty text where the machine has no redis-server."""
    program = shutil.which("redis-server")
    if not program:
        return ""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    processes.start("redis", [program, *options])
    wait_for(port)
    return f"redis://127.0.0.1:{port}/0"


def python(module: str, *words: str) -> list[str]:
    """Return the command that runs a module of ours."""
    return [sys.executable, "-m", module, *words]


def _at(url: str) -> SplitResult:
    return urlsplit(url)


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(for_psycopg(server), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]
