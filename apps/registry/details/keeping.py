"""Keeping what was read of a version's run and files in the mirror, and when to read it again."""

from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone

from apps.audit.actions import Action, Source
from apps.audit.services import Actor, Target, record
from apps.registry import digests, holds, observers
from apps.registry.details import mlmodel
from apps.registry.details.reading import Details
from apps.registry.models import DetailsState, ModelVersion, Stage
from apps.registry.observers import Change, Changed

UNFINISHED_RUNS = ("RUNNING", "SCHEDULED")
READ_AGAIN = timedelta(seconds=60)  # while the run goes on
LATE_LOGS = timedelta(days=3)  # so long after its registration a version's run may still get metrics
WATCHED = (Stage.STAGING, Stage.PRODUCTION)  # an exchange of their files must not go unseen, nor of an alias's version
WATCH_PAUSE = timedelta(hours=6)  # of these, and of what is on legal hold: nothing may be lost of it unseen
MAX_PAUSE = timedelta(hours=1)
NOT_KEPT = ("problems", "shallow_digest", "holder")
FIELDS = [name for name in Details.__dataclass_fields__ if name not in NOT_KEPT]
STATE = ["details_state", "details_error", "details_at", "details_due_at", "details_failures"]
ARTIFACT_PARTS = {"mlmodel": "MLmodel", "requirements": "requirements.txt", "files": "files"}
TOLD = ("run", "params", "metrics", "datasets", "mlmodel", "signature", "requirements", "files", "environment",
        "artifact_digest", "details_error")  # fmt: skip # whose change observers hear of
COMPLETE = "complete"  # key in `environment`: a thorough reading was kept


class RunKept(StrEnum):
    """How MLflow keeps a run: as it should, deleted so that it can be restored, or not at all."""

    ACTIVE = "active"
    DELETED = "deleted"
    GONE = "gone"


WORSE = list(RunKept)  # from the first to the last


def keep(version: ModelVersion, details: Details, *, asked_at: datetime | None = None) -> bool:
    """Store what was read, in the caller's transaction, and set when to read again.

    `asked_at` is when MLflow was asked: what was read later stays, and False is returned. A version whose files are
    no longer what they were is recorded. Observers are told of that, and of what else is not as it was read before.
    """
    now = timezone.now()
    if asked_at and version.details_at and version.details_at > asked_at:
        return False
    details = digests.bound(details, str(version.model.connection_id))
    before = version.artifact_digest if version.details_state == DetailsState.LOADED else ""
    known = {name: getattr(version, name) for name in TOLD} if version.details_state == DetailsState.LOADED else {}
    same = before in ("", details.artifact_digest, details.shallow_digest)
    changed = [] if same else _changed_parts(version, details)
    for name, value in _values(version, details, exchanged=bool(changed)).items():
        setattr(version, name, value)
    version.details_state = DetailsState.LOADED
    version.details_error = " ".join(details.problems)
    version.details_at, version.details_failures = now, 0
    if not (asked_at and version.details_due_at and asked_at < version.details_due_at <= now):  # a file came meanwhile
        version.details_due_at = _next_reading(version, now)
    version.save(update_fields=[*FIELDS, *STATE])
    if changed:
        _tell_exchange(version, before, changed)
    _tell_lost_run(version, known.get("run"))
    others = [name for name, value in known.items() if getattr(version, name) != value]
    if others and not (others == ["environment"] and COMPLETE not in known["environment"]):  # its first reading
        told = {"changed": others}
        observers.tell([Change(Changed.DETAILS, version.model, version, None, None, details=told)])
    return True


def _values(version: ModelVersion, details: Details, *, exchanged: bool) -> dict[str, Any]:
    """Return the columns to write. A quick reading keeps what a thorough one found, unless the files were exchanged."""
    values = {name: value for name, value in asdict(details).items() if name not in NOT_KEPT}
    thorough = details.environment is not None
    if thorough:
        values["environment"] = {**(details.environment or {}), COMPLETE: True}
        return values
    values["environment"] = {} if exchanged else version.environment
    values["pictures"] = version.pictures
    values["input_example"] = None if exchanged else version.input_example
    return values


def _changed_parts(version: ModelVersion, details: Details) -> list[str]:
    """Name what differs from the reading before; a list of files that only one of the two had proves nothing."""
    parts = [
        name
        for field, name in ARTIFACT_PARTS.items()
        if field != "files" and getattr(version, field) != getattr(details, field)
    ]
    if version.files is None or details.files is None:
        return parts
    if version.files != details.files:
        parts.append(ARTIFACT_PARTS["files"])
    return parts or [ARTIFACT_PARTS["mlmodel"]]  # its text differs, its meaning does not


def _tell_exchange(version: ModelVersion, before: str, changed: list[str]) -> None:
    after, model = version.artifact_digest, version.model
    record(
        Action.VERSION_ARTIFACTS_CHANGED,
        by=Actor("mlflow"),
        target=Target("version", f"{model.reference} v{version.number}", model.pk),
        source=Source.MLFLOW,
        before={"artifact_digest": before},
        after={"artifact_digest": after},
        changed=changed,
    )
    observers.tell([Change(Changed.ARTIFACTS, model, version, before, after, details={"changed": changed})])


def _tell_lost_run(version: ModelVersion, known: dict[str, Any] | None) -> None:
    """Tell observers where MLflow keeps the run less than it did at the reading before."""
    before, after = (_kept(run) for run in (known or {}, version.run))
    if WORSE.index(after) > WORSE.index(before):
        told = {"run": version.run_id}
        observers.tell([Change(Changed.RUN, version.model, version, before.value, after.value, details=told)])


def _kept(run: dict[str, Any]) -> RunKept:
    if not run:
        return RunKept.GONE
    return RunKept.DELETED if run.get("lifecycle_stage") == RunKept.DELETED else RunKept.ACTIVE


def run_goes_on(version: ModelVersion) -> bool:
    """Whether the run may still log: then what was read is not the last word."""
    return version.run.get("status") in UNFINISHED_RUNS


def _next_reading(version: ModelVersion, now: datetime) -> datetime | None:
    """Return when to read again: each minute while the run goes on, then after pauses that double, then never.

    MLflow tells nobody when an evaluation is logged to a run that has ended, nor when files are exchanged: versions
    that are in use, and those on legal hold, are looked at every few hours, always.
    """
    if run_goes_on(version):
        return now + READ_AGAIN
    age = now - version.created_at
    late = now + max(READ_AGAIN, age) if version.run and age < LATE_LOGS else None
    return min(filter(None, (late, now + WATCH_PAUSE if _watched(version) else None)), default=None)


def _watched(version: ModelVersion) -> bool:
    return version.stage in WATCHED or version.aliases.exists() or bool(holds.held(version.model, version))


def keep_failure(version: ModelVersion, error: str) -> None:
    """Store that reading failed and when to try again; what was read before stays."""
    version.details_failures = min(version.details_failures + 1, 100)
    pause = min(timedelta(seconds=30 * 2 ** min(version.details_failures - 1, 10)), MAX_PAUSE)
    if version.details_at is None:
        version.details_state = DetailsState.FAILED
    version.details_error, version.details_due_at = error, timezone.now() + pause
    version.save(update_fields=STATE)


def wants_reading(version: ModelVersion, now: datetime) -> bool:
    """Whether somebody who opens the version's page should not have to wait for its turn in the queue."""
    if version.deleted_at or version.model.deleted_at or version.details_failures:
        return False  # what failed is tried again after its pause, however often somebody looks
    if version.details_at is None or version.details_state == DetailsState.PENDING:
        return True
    if version.input_example is None and mlmodel.example_path(version.mlmodel):
        return True  # read before examples were
    return not version.environment.get(COMPLETE) or (run_goes_on(version) and now - version.details_at > READ_AGAIN)
