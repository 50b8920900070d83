"""Which versions are to be read, in what order, and the jobs that do it: per connection, and per opened page."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import monotonic

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.errors import UpstreamUnavailable
from apps.jobs.models import Job
from apps.jobs.services import enqueue
from apps.registry import connections, origins, summaries
from apps.registry.details import keeping, reading
from apps.registry.details.reading import Details, Runs, Wanted
from apps.registry.mlflow import MlflowClient, MlflowError, MlflowFileUnreadable
from apps.registry.models import DEFAULT_CONNECTION, DetailsState, ModelAlias, ModelVersion, Stage
from apps.registry.stages import lock_model

DETAILS = "registry.details"  # kind of the job that reads all that is due of one connection
VERSION = "registry.version_details"  # kind of the job that reads the version whose page somebody opened
Progress = Callable[[int, int], None]  # done, total
READERS = 4  # threads that wait for MLflow together
BATCH = reading.RUNS_AT_ONCE
WRITTEN_AT_ONCE = 20
COLUMNS = ("number", "source", "run_id", "created_at", "model__name")


def enqueue_details(requested_by: str, connection: str = DEFAULT_CONNECTION) -> Job | None:
    """Put the reading of a connection's details in the queue when any are due; None when there are none."""
    if not watch(connection) and not next_due(connection, 1):
        return None
    key = f"{DETAILS}:{connection}"
    return enqueue(DETAILS, key=key, requested_by=requested_by, bulk=True, connection=connection)


def enqueue_version(version: ModelVersion, requested_by: str) -> Job | None:
    """Put the reading of one version in the queue, whatever waits there; None when there is no need."""
    if not keeping.wants_reading(version, timezone.now()):
        return None
    return enqueue(
        VERSION, key=f"{VERSION}:{version.pk}", requested_by=requested_by, max_attempts=2, version=version.pk
    )


def watch(connection: str) -> int:
    """Make the versions due that came into use and have no next reading. Returns how many."""
    return _make_due(ModelVersion.objects.filter(stage__in=keeping.WATCHED, model__connection=connection))


def watch_held(version: int | None, model: int) -> int:
    """Make a version, or all of a model, due that have no next reading: they are on hold. Returns how many.

    What is lost of them is told from their first reading on, so the first one is to come soon.
    """
    return _make_due(ModelVersion.objects.filter(pk=version) if version else ModelVersion.objects.filter(model=model))


def _watch_aliased(connection: str) -> None:
    """The same for versions that an alias points to: as often as the others in use are read, for it asks for each."""
    _make_due(ModelVersion.objects.filter(pk__in=ModelAlias.objects.values("version"), model__connection=connection))


def _make_due(versions: QuerySet[ModelVersion]) -> int:
    unwatched = versions.filter(details_due_at=None, deleted_at=None, details_state=DetailsState.LOADED)
    return unwatched.update(details_due_at=timezone.now())


def next_due(connection: str, most: int) -> list[ModelVersion]:
    """The next versions to read: in Production first, then Staging, then never read (the newest first), then the rest.

    Each part comes sorted out of an index: a first import leaves a hundred thousand rows to choose from.
    """
    found: dict[int, ModelVersion] = {}
    for part in _parts(connection):
        rows = part.exclude(pk__in=list(found)) if found else part
        found |= {row.pk: row for row in rows.select_related("model").only(*COLUMNS)[: most - len(found)]}
        if len(found) >= most:
            break
    return list(found.values())


def due(connection: str) -> QuerySet[ModelVersion]:
    """All versions of a connection that are to be read now."""
    return ModelVersion.objects.filter(
        details_due_at__lte=timezone.now(), deleted_at=None, model__connection=connection
    )


def _parts(connection: str) -> list[QuerySet[ModelVersion]]:
    rows = due(connection)
    staged = [rows.filter(stage=stage).order_by("details_due_at") for stage in (Stage.PRODUCTION, Stage.STAGING)]
    never_read = rows.filter(details_state=DetailsState.PENDING).order_by("-created_at", "-pk")
    return [*staged, never_read, rows.order_by("details_due_at")]


def read_due_details(
    progress: Progress = lambda done, total: None,
    connection: str = DEFAULT_CONNECTION,
    *,
    seconds: float | None = None,
) -> int:
    """Read the details that are due, many at a time, for so many seconds. Returns how many were read well.

    While the mirror is of another server than the connection's there is nothing to read. Raises UpstreamUnavailable
    when MLflow delivers nothing any more; what was read is kept.
    """
    if origins.is_elsewhere(connections.get(connection)):
        return 0
    began = monotonic()
    watch(connection)
    _watch_aliased(connection)
    total, done, good = due(connection).count(), 0, 0
    with connections.client(connection) as client, ThreadPoolExecutor(READERS) as pool:
        runs = Runs(client)
        while batch := next_due(connection, BATCH):
            asked_at, trouble = timezone.now(), _load(runs, batch)
            for start in range(0, len(batch), WRITTEN_AT_ONCE):
                rows = batch[start : start + WRITTEN_AT_ONCE]
                asked = [pool.submit(_read, client, _wanted(row), runs, trouble) for row in rows]
                answers = [future.result() for future in asked]
                _keep(dict(zip([row.pk for row in rows], answers, strict=True)), asked_at)
                done += len(rows)
                good += sum(isinstance(answer, Details) for answer in answers)
                progress(done, max(total, done))
                if not any(isinstance(answer, Details | MlflowFileUnreadable) for answer in answers):
                    raise UpstreamUnavailable(str(answers[0]))
            if seconds is not None and monotonic() - began >= seconds:
                break
    return good


def read_version(version_id: int) -> None:
    """Read one version thoroughly, now. A version that is gone meanwhile is left as it is.

    Raises UpstreamUnavailable when MLflow does not deliver; that is kept on the version.
    """
    row = ModelVersion.objects.select_related("model").only(*COLUMNS, "model__connection").get(pk=version_id)
    if origins.is_elsewhere(connections.get(str(row.model.connection_id))):
        return
    with connections.client(str(row.model.connection_id)) as client:
        asked_at = timezone.now()
        answer = _read(client, _wanted(row), Runs(client), None, thorough=True)
    _keep({version_id: answer}, asked_at)
    if not isinstance(answer, Details | MlflowFileUnreadable):
        raise UpstreamUnavailable(str(answer))


def _wanted(row: ModelVersion) -> Wanted:
    return Wanted(row.model.name, row.number, row.source, row.run_id)


def _load(runs: Runs, batch: list[ModelVersion]) -> MlflowError | None:
    """Ask for the runs of a batch together. Returns the problem instead of raising it."""
    try:
        runs.load(row.run_id for row in batch)
    except MlflowError as error:
        return error
    return None


def _read(
    client: MlflowClient, wanted: Wanted, runs: Runs, trouble: MlflowError | None, *, thorough: bool = False
) -> Details | MlflowError:
    """Read in a thread, without the database. Returns the problem instead of raising it."""
    if trouble:
        return trouble
    try:
        return reading.read(client, wanted, runs, thorough=thorough)
    except MlflowError as error:
        return error


def _keep(answers: dict[int, Details | MlflowError], asked_at: datetime) -> None:
    """Write what was read in one transaction, rows locked in one order."""
    with transaction.atomic():
        for model_id in sorted(set(ModelVersion.objects.filter(pk__in=list(answers)).values_list("model", flat=True))):
            lock_model(model_id)
        rows = ModelVersion.objects.select_for_update(of=("self",), no_key=True).select_related("model").order_by("pk")
        models = set()
        for row in rows.filter(pk__in=list(answers), deleted_at=None):
            models.add(row.model_id)
            answer = answers[row.pk]
            if isinstance(answer, Details):
                keeping.keep(row, answer, asked_at=asked_at)
            else:
                keeping.keep_failure(row, str(answer))
        summaries.refresh(models)
