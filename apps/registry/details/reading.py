"""Reading a version's run and files from MLflow: runs many at once, files one version at a time. No database."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import yaml
from django.utils.translation import gettext as _

from apps.registry.details import artifacts, mlmodel, requirements
from apps.registry.mlflow import MlflowClient, MlflowFileUnreadable, MlflowNotFound, MlflowRefused, RemoteRun
from apps.registry.remote import clean

FEW_RUNS = 2  # so many are asked for one by one: a search needs the list of experiments first
RUNS_AT_ONCE = 100
ENVIRONMENTS = {"conda": "conda.yaml", "python_env": "python_env.yaml"}
MAX_ENVIRONMENT = 64 * 1024  # bytes of an environment file that are kept
MAX_EXAMPLE = 256 * 1024  # bytes of an input example that is read
SHOWN_EXAMPLE = 2000  # characters of it that are kept


@dataclass(frozen=True)
class Details:
    """The fields of ModelVersion that come from the run and the files. `problems` are sentences.

    `environment`, `pictures` and `input_example` are None where they were not asked for, `files` where MLflow lists
    none.
    """

    run: dict[str, Any] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    datasets: list[dict[str, str]] = field(default_factory=list)
    mlmodel: dict[str, Any] = field(default_factory=dict)
    signature: dict[str, Any] | None = None
    requirements: list[str] | None = None
    files: list[dict[str, Any]] | None = None
    environment: dict[str, Any] | None = None
    pictures: list[dict[str, str]] | None = None
    input_example: str | None = None
    artifact_digest: str = ""
    shallow_digest: str = ""  # as it was before folders were looked into: what was read then is not taken for another
    problems: tuple[str, ...] = ()
    holder: tuple[str, str] | None = None  # the run or logged model whose files they are, and the folder there


@dataclass(frozen=True)
class Wanted:
    """A version to be read, as its address in MLflow."""

    name: str
    number: int
    source: str
    run_id: str


class Runs:
    """Runs and the names of their experiments, each asked for once. For one pass; threads may share it once loaded."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client
        self._runs: dict[str, RemoteRun] = {}
        self._experiments: dict[str, str] = {}

    def load(self, run_ids: Iterable[str]) -> None:
        """Ask for these runs together, where they are more than a few. Raises MlflowError."""
        missing = sorted({run_id for run_id in run_ids if run_id} - self._runs.keys())
        if len(missing) <= FEW_RUNS:
            return
        self._experiments = self._experiments or self._client.experiments()
        for start in range(0, len(missing), RUNS_AT_ONCE):
            chunk = missing[start : start + RUNS_AT_ONCE]
            self._runs |= {run.run_id: run for run in self._client.search_runs(chunk, list(self._experiments))}

    def get(self, run_id: str) -> RemoteRun | None:
        """The run, or None when MLflow no longer has it. Raises MlflowError."""
        if run_id not in self._runs:  # few, gone, or of an experiment that is newer than this pass
            try:
                self._runs[run_id] = self._client.get_run(run_id)
            except MlflowNotFound:
                return None
        return self._runs[run_id]

    def experiment(self, experiment_id: str) -> str:
        """The name of an experiment, empty when MLflow no longer has it. Raises MlflowError."""
        if experiment_id not in self._experiments:
            try:
                self._experiments[experiment_id] = self._client.experiment_name(experiment_id)
            except MlflowNotFound:
                return ""
        return self._experiments[experiment_id]


def read(client: MlflowClient, wanted: Wanted, runs: Runs, *, thorough: bool) -> Details:
    """Read one version. What does not exist is left empty. Raises MlflowUnavailable or MlflowRefused.

    Raises MlflowFileUnreadable when MLflow no longer has the version: that says nothing about what its files were.
    `thorough` reads the environment files and the names of pictures too: a few calls more.
    """
    problems: list[str] = []
    run = runs.get(wanted.run_id) if wanted.run_id else None
    if wanted.run_id and run is None:
        problems.append(_("MLflow no longer has the run that made this version."))
    found = _run_fields(run, runs.experiment(run.experiment_id)) if run else {}
    found |= _files(client, wanted, run, problems, thorough=thorough)
    if thorough:
        found["pictures"] = artifacts.pictures(client, wanted.run_id) if run else []
    return Details(**found, problems=tuple(problems))


def _files(
    client: MlflowClient, wanted: Wanted, run: RemoteRun | None, problems: list[str], *, thorough: bool
) -> dict[str, Any]:
    root = run.artifact_uri if run else ""
    folder = artifacts.folder_of(client, wanted.name, wanted.number, wanted.source, wanted.run_id, root)
    files = artifacts.listing(client, folder) if folder else None
    listed = {row["path"] for row in files} if files else None  # an empty list proves nothing: MLflow hides errors so
    found: dict[str, Any] = {"files": files, "holder": folder.holder if folder else None}
    body = _artifact(client, wanted, "MLmodel", listed)
    if body is not None:
        try:
            found["mlmodel"] = mlmodel.parse(body)
            found["signature"] = mlmodel.signature(found["mlmodel"])
        except ValueError as error:
            problems.append(str(error))
    lines = _artifact(client, wanted, "requirements.txt", listed)
    if lines is not None:
        found["requirements"] = requirements.lines(_text(lines))
    found["artifact_digest"] = _digest(body, found.get("requirements"), files)
    top = None if files is None else [row for row in files if "/" not in row["path"].removesuffix("/")]
    found["shallow_digest"] = _digest(body, found.get("requirements"), top)
    if thorough:
        texts = {kind: _artifact(client, wanted, path, listed) for kind, path in ENVIRONMENTS.items()}
        found["environment"] = {kind: _environment(text) for kind, text in texts.items() if text is not None}
        found["input_example"] = _example(client, wanted, found.get("mlmodel"), files)
    return found


def _example(
    client: MlflowClient, wanted: Wanted, parsed: dict[str, Any] | None, files: list[dict[str, Any]] | None
) -> str:
    """Return how the stored example of an input begins; empty where none is listed, is small enough, and is text."""
    path = mlmodel.example_path(parsed or {})
    size = next((row["size"] for row in files or [] if row["path"] == path), None)
    if not path or size is None or size > MAX_EXAMPLE:
        return ""
    body = _artifact(client, wanted, path, {path})
    try:
        text = str(clean((body or b"").decode()))
    except UnicodeDecodeError:
        return ""
    return text if len(text) <= SHOWN_EXAMPLE else f"{text[:SHOWN_EXAMPLE]}…"


def _artifact(client: MlflowClient, wanted: Wanted, path: str, listed: set[str] | None) -> bytes | None:
    if listed is not None and path not in listed:
        return None
    try:
        return client.get_artifact(wanted.name, wanted.number, path)
    except MlflowNotFound:
        if path == "MLmodel" or listed is not None:  # MLflow says the same of a file and of a version that is gone
            _must_exist(client, wanted)
        return None
    except MlflowRefused:
        if path == "MLmodel":
            raise
        return None  # a folder of that name


def _must_exist(client: MlflowClient, wanted: Wanted) -> None:
    try:
        client.get_version(wanted.name, wanted.number)
    except MlflowNotFound as error:
        raise MlflowFileUnreadable(_("MLflow no longer has this version.")) from error


def _digest(body: bytes | None, lines: list[str] | None, files: list[dict[str, Any]] | None) -> str:
    """Return a SHA-256 over what tells that the files were exchanged: 64 hex digits."""
    parts = {"MLmodel": body and hashlib.sha256(body).hexdigest(), "requirements": lines, "files": files}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _environment(body: bytes) -> Any:
    """Return the parsed file, or its text where it is not YAML."""
    body = body[:MAX_ENVIRONMENT]
    try:
        return mlmodel.parse(body)
    except (ValueError, yaml.YAMLError):
        return _text(body)


def _text(body: bytes) -> str:
    return str(clean(body.decode("utf-8", "replace")))


def _run_fields(run: RemoteRun, experiment: str) -> dict[str, Any]:
    return {
        "run": {
            "id": run.run_id,
            "name": run.name,
            "status": run.status,
            "user": run.user,
            "experiment_id": run.experiment_id,
            "experiment": experiment,
            "lifecycle_stage": run.lifecycle_stage,
            "started_at": _iso(run.started_at),
            "ended_at": _iso(run.ended_at),
            "tags": run.tags,
            "dataset_facts": run.dataset_facts,
        },
        "params": run.params,
        "metrics": run.metrics,
        "datasets": run.datasets,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
