"""A real MLflow server for the tests: TEST_MLFLOW_URL, else one that the session starts and its workers share.

`mlflow_server` is its address. `mlflow_registry` is it emptied, for one test at a time, and Assent pointed at it.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import compose
from tests.servers.broken import BrokenServer, broken_server

START_SECONDS = 240
STOP_SECONDS = 10
PROMPT = {"mlflow.prompt.is_prompt": "true"}
MLMODEL = """\
flavors:
  python_function: {loader_module: mlflow.sklearn, python_version: 3.11.7}
  sklearn: {sklearn_version: 1.9.1}
mlflow_version: 3.17.2
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}, {"type": "string", "name": "plan", "required": false}]'
  outputs: '[{"type": "long", "required": true}]'
  params: null
"""


class MlflowRegistry:
    """Shorthand for MLflow's REST API, as any client would use it behind Assent's back."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/api/2.0/", timeout=60, trust_env=False)

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Call an endpoint below /api/2.0/mlflow/; an error fails the test."""
        sent = {"params": body} if method == "GET" else {"json": body}
        answer = self._http.request(method, f"mlflow/{path}", **sent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def model(self, name: str, *, description: str = "", tags: dict[str, str] | None = None) -> str:
        """Create a registered model; returns its name."""
        self.call("POST", "registered-models/create", name=name, description=description, tags=_pairs(tags))
        return name

    def prompt(self, name: str) -> str:
        """Create a prompt."""
        return self.model(name, tags=PROMPT)

    def run(
        self,
        *,
        params: dict[str, str] | None = None,
        metrics: dict[str, float] | None = None,
        finished: bool = True,
        name: str = "a run",
    ) -> dict[str, Any]:
        """Create a run with params, metrics and a data set; returns its info."""
        now = int(time.time() * 1000)
        info = self.call("POST", "runs/create", experiment_id="0", run_name=name, start_time=now, user_id="ann")["run"][
            "info"
        ]
        rows = [{"key": key, "value": value, "timestamp": now, "step": 0} for key, value in (metrics or {}).items()]
        self.call("POST", "runs/log-batch", run_id=info["run_id"], metrics=rows, params=_pairs(params))
        dataset = {"name": "train", "digest": "abc123", "source_type": "local", "source": "{}"}
        context = {"key": "mlflow.data.context", "value": "training"}
        self.call("POST", "runs/log-inputs", run_id=info["run_id"], datasets=[{"dataset": dataset, "tags": [context]}])
        if finished:
            self.call("POST", "runs/update", run_id=info["run_id"], status="FINISHED", end_time=now + 1000)
        return info

    def finish(self, run_id: str) -> None:
        """End a run."""
        self.call("POST", "runs/update", run_id=run_id, status="FINISHED", end_time=int(time.time() * 1000))

    def version(
        self,
        name: str,
        *,
        params: dict[str, str] | None = None,
        metrics: dict[str, float] | None = None,
        mlmodel: str | None = MLMODEL,
        requirements: str | None = "scikit-learn==1.9.1\nnumpy>=2\n",
        tags: dict[str, str] | None = None,
        finished: bool = True,
    ) -> int:
        """Register a version made by a new run, with its files; returns its number."""
        info = self.run(params=params, metrics=metrics, finished=finished)
        for path, text in (("MLmodel", mlmodel), ("requirements.txt", requirements)):
            if text is not None:
                self.file(info, f"model/{path}", text)
        return self.bare_version(name, source=f"{info['artifact_uri']}/model", run_id=info["run_id"], tags=tags)

    def bare_version(self, name: str, *, source: str = "s3://nowhere/model", **body: Any) -> int:
        """Register a version without a run or files."""
        body["tags"] = _pairs(body.get("tags"))
        answer = self.call("POST", "model-versions/create", name=name, source=source, **body)
        return int(answer["model_version"]["version"])

    def file(self, info: dict[str, Any], path: str, content: str | bytes) -> None:
        """Store a file among a run's artifacts."""
        root = info["artifact_uri"].split(":/", 1)[1].lstrip("/")
        body = content.encode() if isinstance(content, str) else content
        answer = self._http.put(f"mlflow-artifacts/artifacts/{root}/{path}", content=body)
        assert answer.status_code == 200, answer.text

    def stage(self, name: str, number: int, stage: str, *, archive: bool = False) -> None:
        """Move a version to a stage."""
        self.call(
            "POST",
            "model-versions/transition-stage",
            name=name,
            version=str(number),
            stage=stage,
            archive_existing_versions=archive,
        )

    def stage_of(self, name: str, number: int) -> str:
        """The stage as MLflow says now."""
        return self.call("GET", "model-versions/get", name=name, version=str(number))["model_version"]["current_stage"]

    def alias(self, name: str, alias: str, number: int) -> None:
        """Point an alias at a version."""
        self.call("POST", "registered-models/alias", name=name, alias=alias, version=str(number))

    def tag(self, name: str, key: str, value: str) -> None:
        """Set a tag of a model."""
        self.call("POST", "registered-models/set-tag", name=name, key=key, value=value)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a model."""
        self.call("POST", "registered-models/rename", name=name, new_name=new_name)

    def delete_version(self, name: str, number: int) -> None:
        """Delete a version."""
        self.call("DELETE", "model-versions/delete", name=name, version=str(number))

    def delete_model(self, name: str) -> None:
        """Delete a model."""
        self.call("DELETE", "registered-models/delete", name=name)

    def empty(self) -> None:
        """Delete every model and prompt."""
        for wanted in ({}, {"filter": "tags.`mlflow.prompt.is_prompt` = 'true'"}):
            found = self.call("GET", "registered-models/search", max_results="1000", **wanted)
            for row in found.get("registered_models", []):
                self.delete_model(row["name"])
        for webhook in self.webhooks():
            self.call("DELETE", f"webhooks/{webhook['webhook_id']}")

    def webhooks(self) -> list[dict[str, Any]]:
        """The webhooks that are registered."""
        return self.call("GET", "webhooks").get("webhooks", [])

    def tag_version(self, name: str, number: int, key: str, value: str) -> None:
        """Set a tag of a version."""
        self.call("POST", "model-versions/set-tag", name=name, version=str(number), key=key, value=value)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _pairs(values: dict[str, str] | None) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in (values or {}).items()]


@pytest.fixture(scope="session")
def _mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test session share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "mlflow"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def mlflow_server(_mlflow_folder: Path) -> Iterator[str]:
    """The address of a real MLflow server. The first worker starts it, the last one stops it."""
    if "TEST_MLFLOW_URL" in os.environ:
        yield os.environ["TEST_MLFLOW_URL"].rstrip("/")
        return
    note = _mlflow_folder / "server.json"
    with _lock(_mlflow_folder / "server.lock"):
        server = json.loads(note.read_text()) if note.exists() else _start(_mlflow_folder)
        note.write_text(json.dumps(server | {"users": server["users"] + 1}))
    yield server["url"]
    with _lock(_mlflow_folder / "server.lock"):
        server = json.loads(note.read_text())
        server["users"] -= 1
        note.write_text(json.dumps(server))
        if not server["users"]:
            note.unlink()
            _stop(server["pid"])


@pytest.fixture
def mlflow_registry(mlflow_server: str, _mlflow_folder: Path, settings: Any) -> Iterator[MlflowRegistry]:
    """The server, empty and for this test alone, with settings.MLFLOW_BACKEND_URL pointing at it."""
    settings.MLFLOW_BACKEND_URL = mlflow_server
    settings.MLFLOW_TIMEOUT_SECONDS = 30.0
    with _lock(_mlflow_folder / "test.lock"):
        registry = MlflowRegistry(mlflow_server)
        registry.empty()
        yield registry
        registry.close()


@pytest.fixture
def broken(settings: Any) -> Iterator[BrokenServer]:
    """A server that misbehaves, with settings.MLFLOW_BACKEND_URL pointing at it and a short patience."""
    with broken_server() as server:
        settings.MLFLOW_BACKEND_URL = server.url
        settings.MLFLOW_TIMEOUT_SECONDS = 3.0  # a busy machine needs that long for a good answer too
        yield server


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(folder: Path) -> dict[str, Any]:
    """Start it as docker-compose.yml does, on SQLite."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = compose.environment(
        "mlflow",
        MLFLOW_HOST="127.0.0.1",
        MLFLOW_PORT=str(port),
        MLFLOW_WORKERS="1",
        MLFLOW_BACKEND_STORE_URI=f"sqlite:///{folder / 'mlflow.sqlite3'}",
        MLFLOW_ARTIFACTS_DESTINATION=str(folder / "artifacts"),
        MLFLOW_WEBHOOK_CACHE_TTL="0",
    )
    command = compose.SERVICES["mlflow"]["command"]
    with (folder / "mlflow.log").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    _processes.append(process)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_SECONDS
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            _stop(process.pid)
            raise RuntimeError(f"MLflow did not start:\n{(folder / 'mlflow.log').read_text()[-3000:]}")
        time.sleep(0.2)
    return {"url": url, "pid": process.pid, "users": 0}


_processes: list[subprocess.Popen] = []  # kept, so that none is reported as forgotten while another worker uses it


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _stop(group: int) -> None:
    """End the server and its workers, a process group of their own, at once: nothing of it is kept."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and _group_lives(group):
        time.sleep(0.05)


def _group_lives(group: int) -> bool:
    for process in _processes:
        process.poll()  # reaps it, if it is ours
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
