"""One registered model of an MLflow that lives in memory, over real HTTP on loopback: quick enough for many moves.

It answers what an apply asks; the truth about MLflow's own behaviour is tested against a real one (mlflow.py).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.servers.broken import BrokenServer, Reply, broken_server

ARCHIVED = "Archived"
GONE = Reply.json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such thing."}, 404)
TROUBLE = Reply.json({"error_code": "INTERNAL_ERROR", "message": "The disk is full."}, 500)


@dataclass
class Version:
    """What MLflow says about a version; `files` changes when they are exchanged."""

    number: int
    trainer: str
    stage: str = "None"
    accuracy: float = 0.9
    files: int = 1

    @property
    def mlmodel(self) -> bytes:
        """The file of this name."""
        return f"flavors:\n  python_function: {{loader_module: mlflow.sklearn, files: {self.files}}}\n".encode()


@dataclass(frozen=True)
class Write:
    """A move that arrived: which version, from where, to where. Of an alias `number` is 0 where it was removed."""

    number: int
    before: str
    after: str


@dataclass
class OneModel:
    """The model's versions, its aliases, and what was written to them. `trouble` says what goes wrong with writes."""

    name: str
    since: datetime
    versions: dict[int, Version]
    writes: list[Write] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)
    trouble: str = ""  # "refused": nothing is written; "unheard": it is, and the answer is lost; then it is over
    down: bool = False  # nothing is written until this is over
    server: BrokenServer | None = None

    def decide(self, path: str, query: dict[str, str]) -> Reply:
        """Answer one call."""
        call = path.removeprefix("/api/2.0/mlflow/")
        if call == "model-versions/transition-stage" and self.server:
            return self._move(json.loads(self.server.sent))
        if call == "registered-models/alias" and self.server:
            return self._point(json.loads(self.server.sent))
        if call == "registered-models/get":
            aliases = [{"alias": alias, "version": str(number)} for alias, number in self.aliases.items()]
            return Reply.json({"registered_model": {"name": self.name, **self._times(), "aliases": aliases}})
        if call == "experiments/get":
            return Reply.json({"experiment": {"experiment_id": "0", "name": "Default"}})
        if call == "artifacts/list":
            return Reply.json({"files": []})
        if call == "/api/2.0/mlflow-artifacts/artifacts":
            return Reply.json({"files": [{"path": "MLmodel", "is_dir": False, "file_size": 80}]})
        if call == "runs/get":
            return self._run(self.versions[int(query["run_id"].removeprefix("run"))])
        version = self.versions.get(int(query.get("version", 0)))
        if version and call == "model-versions/get":
            return Reply.json({"model_version": self._version(version)})
        if version and call == "/model-versions/get-artifact" and query["path"] == "MLmodel":
            return Reply(version.mlmodel, content_type="text/plain")
        return GONE

    def _move(self, sent: dict[str, Any]) -> Reply:
        trouble = self._trouble()
        if trouble == "refused":
            return TROUBLE
        version = self.versions[int(sent["version"])]
        if sent["archive_existing_versions"]:
            for other in self.versions.values():
                if other is not version and other.stage == sent["stage"]:
                    other.stage = ARCHIVED
        self.writes.append(Write(version.number, version.stage, sent["stage"]))
        version.stage = sent["stage"]
        return TROUBLE if trouble else Reply.json({"model_version": self._version(version)})

    def _point(self, sent: dict[str, Any]) -> Reply:
        """Set an alias, or remove it where no version is named."""
        trouble = self._trouble()
        if trouble == "refused":
            return TROUBLE
        alias, number = sent["alias"], int(sent.get("version", 0))
        self.writes.append(Write(number, str(self.aliases.pop(alias, 0)), f"@{alias}"))
        self.aliases |= {alias: number} if number else {}
        return TROUBLE if trouble else Reply.json({})

    def _trouble(self) -> str:
        trouble, self.trouble = self.trouble, ""
        return "refused" if self.down else trouble

    def _version(self, version: Version) -> dict[str, Any]:
        source = f"mlflow-artifacts:/0/run{version.number}/artifacts/model"
        named = {"name": self.name, "version": str(version.number), "current_stage": version.stage, "source": source}
        return {**named, **self._times(), "run_id": f"run{version.number}", "status": "READY"}

    def _run(self, version: Version) -> Reply:
        info = {"run_id": f"run{version.number}", "status": "FINISHED", "user_id": version.trainer}
        metrics = [{"key": "accuracy", "value": version.accuracy}]
        return Reply.json({"run": {"info": {**info, "experiment_id": "0"}, "data": {"metrics": metrics}}})

    def _times(self) -> dict[str, int]:
        moment = int(self.since.timestamp() * 1000)
        return {"creation_timestamp": moment, "last_updated_timestamp": moment}


@contextmanager
def one_model(name: str, since: datetime, settings: Any) -> Iterator[OneModel]:
    """Run it for the duration of a `with`, without versions yet, with settings.MLFLOW_BACKEND_URL pointing at it."""
    with broken_server() as server:
        model = OneModel(name, since, {}, server=server)
        server.decide = model.decide
        settings.MLFLOW_BACKEND_URL = server.url
        yield model
