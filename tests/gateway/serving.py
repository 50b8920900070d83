"""Assent as it is shipped, under gunicorn and with a database of its own, in front of a real MLflow."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from apps.demo import commands

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = """
import json, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import Group
from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.roles import DATA_SCIENTIST
from apps.accounts.tokens import create_token
from apps.registry.models import RegisteredModel
alice, mallory = (User.objects.create_user(name) for name in ("alice", "mallory"))
group = Group.objects.create(name="scientists")
alice.groups.add(group)
grants.set_role(group, [DATA_SCIENTIST], None, model_class=RegisteredModel)
print(json.dumps({user.username: create_token("t", by=user, scope="write").text for user in (alice, mallory)}))
"""


@dataclass
class Served:
    """A running Assent. `run` is where files go: the path of the artifacts of a run, below the routes of files."""

    url: str
    mlflow: str
    tokens: dict[str, str]
    database: Path
    process: int
    run: str = ""

    @property
    def netloc(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def send(self, method: str, path: str, *, who: str = "alice", **more: Any) -> httpx.Response:
        """Send a request as a person."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", **more.pop("headers", {})}
        with httpx.Client(trust_env=False, timeout=120) as http:
            return http.request(method, f"{self.url}{path}", headers=headers, **more)

    def behind(self, path: str) -> httpx.Response:
        """Ask MLflow itself for a file."""
        return httpx.get(f"{self.mlflow}{self.file(path)}", trust_env=False, timeout=60)

    def file(self, path: str) -> str:
        """The address of a file of the run."""
        return f"/api/2.0/mlflow-artifacts/artifacts/{self.run}/{path}"

    def digests(self, path: str) -> list[tuple[str, int, str]]:
        """What is kept of a file of the run: SHA-256, size and who."""
        with closing(sqlite3.connect(self.database)) as database:
            query = "SELECT sha256, size, by FROM registry_artifactdigest WHERE holder = ? AND path = ?"
            return database.execute(query, (self.run.split("/")[1], path)).fetchall()

    def memory(self) -> float:
        """The most memory (MiB) that any process of it has held so far."""
        found = [0]
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            except OSError:
                continue
            if self.process in (int(lines["Pid"]), int(lines["PPid"])):
                found.append(int(lines["VmHWM"].split()[0]))
        return max(found) / 1024


@contextmanager
def served(folder: Path, mlflow: str) -> Iterator[Served]:
    """Run it for the duration of a `with`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")} | {
        "ASSENT_DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "MLFLOW_BACKEND_URL": mlflow,
    }
    made = subprocess.run(
        [sys.executable, "-c", PEOPLE], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(commands.web(port), cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        found = Served(
            f"http://127.0.0.1:{port}", mlflow, json.loads(made.stdout.splitlines()[-1]),
            folder / "assent.sqlite3", process.pid,
        )  # fmt: skip
        _wait(found.url)
        run = found.send("POST", "/api/2.0/mlflow/runs/create", json={"experiment_id": "0"})
        if run.status_code != 200:
            raise RuntimeError(run.text)
        found.run = run.json()["run"]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
        yield found
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/healthz", timeout=5, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)
