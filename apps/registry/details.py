"""What a version's run and MLmodel say. `read` speaks to MLflow only; `keep` writes the mirror only."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.registry import mlmodel, requirements
from apps.registry.mlflow import MlflowClient, MlflowNotFound, RemoteRun
from apps.registry.models import DetailsState, ModelVersion

UNFINISHED_RUNS = ("RUNNING", "SCHEDULED")
READ_AGAIN = timedelta(seconds=60)  # while the run goes on
LATE_LOGS = timedelta(days=3)  # so long after its registration a version's run may still get metrics
MAX_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class Details:
    """The fields of ModelVersion that come from the run and the artifact. `problems` are sentences."""

    run: dict[str, Any] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    datasets: list[dict[str, str]] = field(default_factory=list)
    mlmodel: dict[str, Any] = field(default_factory=dict)
    signature: dict[str, Any] | None = None
    requirements: list[str] | None = None
    problems: tuple[str, ...] = ()

    @property
    def run_goes_on(self) -> bool:
        """Whether the run may still log: then this is not the last word."""
        return self.run.get("status") in UNFINISHED_RUNS


def read(client: MlflowClient, name: str, number: int, run_id: str) -> Details:
    """Read from MLflow. What does not exist is left empty. Raises MlflowUnavailable or MlflowRefused."""
    problems: list[str] = []
    found: dict[str, Any] = _run_fields(client, run_id, problems) if run_id else {}
    body = _artifact(client, name, number, "MLmodel")
    if body is not None:
        try:
            found["mlmodel"] = mlmodel.parse(body)
            found["signature"] = mlmodel.signature(found["mlmodel"])
        except ValueError as error:
            problems.append(str(error))
    listed = _artifact(client, name, number, "requirements.txt")
    if listed is not None:
        found["requirements"] = requirements.lines(listed.decode("utf-8", "replace").replace("\0", ""))
    return Details(**found, problems=tuple(problems))


def keep(version: ModelVersion, details: Details) -> None:
    """Store what was read, in the caller's transaction, and set when to read again."""
    now = timezone.now()
    for name, value in asdict(details).items():
        if name != "problems":
            setattr(version, name, value)
    version.details_state = DetailsState.LOADED
    version.details_error = " ".join(details.problems)
    version.details_at, version.details_failures = now, 0
    version.details_due_at = _next_reading(version, details, now)
    version.save(update_fields=[*FIELDS, *STATE])


def _next_reading(version: ModelVersion, details: Details, now: datetime) -> datetime | None:
    """Return when to read again: each minute while the run goes on, then after pauses that double, then never.

    MLflow tells nobody when an evaluation is logged to a run that has ended.
    """
    if details.run_goes_on:
        return now + READ_AGAIN
    age = now - version.created_at
    return now + max(READ_AGAIN, age) if details.run and age < LATE_LOGS else None


def keep_failure(version: ModelVersion, error: str) -> None:
    """Store that reading failed and when to try again; what was read before stays."""
    version.details_failures = min(version.details_failures + 1, 100)
    pause = min(timedelta(seconds=30 * 2 ** min(version.details_failures - 1, 10)), MAX_PAUSE)
    if version.details_at is None:
        version.details_state = DetailsState.FAILED
    version.details_error, version.details_due_at = error, timezone.now() + pause
    version.save(update_fields=STATE)


FIELDS = [name for name in Details.__dataclass_fields__ if name != "problems"]
STATE = ["details_state", "details_error", "details_at", "details_due_at", "details_failures"]


def _run_fields(client: MlflowClient, run_id: str, problems: list[str]) -> dict[str, Any]:
    try:
        run = client.get_run(run_id)
    except MlflowNotFound:
        problems.append(_("MLflow no longer has the run that made this version."))
        return {}
    try:
        experiment = client.experiment_name(run.experiment_id)
    except MlflowNotFound:
        experiment = ""
    return {
        "run": _run(run, experiment),
        "params": run.params,
        "metrics": run.metrics,
        "datasets": run.datasets,
    }


def _run(run: RemoteRun, experiment: str) -> dict[str, Any]:
    return {
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
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _artifact(client: MlflowClient, name: str, number: int, path: str) -> bytes | None:
    try:
        return client.get_artifact(name, number, path)
    except MlflowNotFound:
        return None
