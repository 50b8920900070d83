"""A real Celery worker and a real beat in processes of their own, on the test's database, to be killed at will."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0  # seconds


class Crew:
    """Starts processes with one environment, and ends every one of them."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.log = (folder / "crew.log").open("w+")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("REDIS", "DJANGO"))},
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ASSENT_DATA_DIR": str(folder),
            "DATABASE_URL": database_url(),
            "JOB_LEASE_SECONDS": "2",
            "JOB_SWEEP_SECONDS": "1",
            "SYNC_INTERVAL_SECONDS": "3600",
            "MLFLOW_TIMEOUT_SECONDS": "60",
            **environment,
        }
        self.processes: list[subprocess.Popen] = []

    def start(self, *words: str) -> subprocess.Popen:
        """Start `celery -A config …` in a process group of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "config", *words],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen:
        """Start a worker with one child, as in production."""
        return self.start("worker", "--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=INFO")

    def beat(self) -> subprocess.Popen:
        """Start the beat, which sweeps every second."""
        return self.start("beat", "--loglevel=INFO")

    def kill(self, process: subprocess.Popen) -> None:
        """Kill the process and its children at once: no handler, no clean-up."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait(self, happened: Callable[[], Any], what: str) -> None:
        """Wait until it happened; fail with the processes' log when it does not."""
        deadline = time.monotonic() + PATIENCE
        while not happened():
            if time.monotonic() > deadline:
                self.log.seek(0)
                raise AssertionError(f"{what} did not happen:\n{self.log.read()[-8000:]}")
            time.sleep(0.05)


@contextmanager
def crew(folder: Path, **environment: str) -> Iterator[Crew]:
    """Give a crew, and kill all of it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    team = Crew(folder, **environment)
    try:
        yield team
    finally:
        for process in team.processes:
            team.kill(process)
        team.log.close()
        if connection.vendor == "postgresql":
            end_other_sessions()


def database_url() -> str:
    """Return the address of the database that this test runs on."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{at['NAME']}").geturl()


def end_other_sessions() -> None:
    """End what killed workers left open on PostgreSQL, so that the test's tables can be emptied."""
    with psycopg.connect(database_url().replace("postgres://", "postgresql://", 1), autocommit=True) as session:
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            " AND pid <> pg_backend_pid() AND pid <> %s",
            [connection.settings_dict["NAME"], connection.connection.info.backend_pid if connection.connection else 0],
        )
