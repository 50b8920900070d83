"""What people and other apps ask of the mirror."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import transaction
from django.db.models import Case, F, IntegerField, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.errors import NotVisible, UpstreamUnavailable
from apps.jobs.models import Job
from apps.jobs.services import enqueue
from apps.registry import connections, details, summaries
from apps.registry.applying import update_versions
from apps.registry.details import Details
from apps.registry.mlflow import MlflowClient, MlflowError, MlflowFileUnreadable
from apps.registry.models import DEFAULT_CONNECTION, ModelVersion, Stage
from apps.registry.planning import Local, version_change
from apps.registry.syncing.requests import cancel_sync, enqueue_sync, request_sync, touch

__all__ = [
    "cancel_sync",
    "due_details",
    "enqueue_details",
    "enqueue_sync",
    "read_due_details",
    "refresh_version",
    "request_sync",
    "touch",
]

DETAILS = "registry.details"  # kind of the job that reads details, and its key: one at a time
Progress = Callable[[int, int], None]  # done, total
READERS = 4  # threads that wait for MLflow together
BATCH = 16


def enqueue_details(requested_by: str) -> Job | None:
    """Put the reading of details in the queue when any are due."""
    return enqueue(DETAILS, key=DETAILS, requested_by=requested_by) if due_details().exists() else None


def due_details() -> QuerySet[ModelVersion]:
    """The versions whose run and MLmodel are to be read: in Production first, then Staging, then the newest."""
    rank = Case(
        When(stage=Stage.PRODUCTION, then=Value(0)),
        When(stage=Stage.STAGING, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    due = ModelVersion.objects.filter(details_due_at__lte=timezone.now(), deleted_at=None)
    return due.annotate(rank=rank).order_by("rank", F("created_at").desc(), "pk")


def read_due_details(progress: Progress = lambda done, total: None) -> int:
    """Read the details that are due, a few at a time. Returns how many were read well.

    Raises UpstreamUnavailable when MLflow delivers nothing any more; what was read is kept.
    """
    total, done, good = due_details().count(), 0, 0
    with connections.client(DEFAULT_CONNECTION) as client, ThreadPoolExecutor(READERS) as pool:
        while batch := list(due_details().select_related("model").defer(*details.FIELDS)[:BATCH]):
            asked = [pool.submit(_read, client, row.model.name, row.number, row.run_id) for row in batch]
            answers = [future.result() for future in asked]
            for row, answer in zip(batch, answers, strict=True):
                _keep(row, answer)
            done += len(batch)
            good += sum(isinstance(answer, Details) for answer in answers)
            progress(done, max(total, done))
            if not any(isinstance(answer, Details | MlflowFileUnreadable) for answer in answers):
                raise UpstreamUnavailable(str(answers[0]))
    return good


def refresh_version(version_id: int) -> ModelVersion:
    """Read a version, its run and its MLmodel from MLflow now, and bring the mirror up to date.

    Not inside a transaction: it waits for MLflow. Raises NotVisible when the version is unknown here or gone in MLflow,
    UpstreamUnavailable when MLflow does not deliver.
    """
    before = ModelVersion.objects.select_related("model").filter(pk=version_id).first()
    if before is None:
        raise NotVisible(_("There is no such version."))
    with connections.calls_for(before.model) as client:
        remote = client.get_version(before.model.name, before.number)
        if remote.created_at != before.created_at:
            raise NotVisible(_("MLflow has another version under this name and number now. Wait for the next sync."))
        read = details.read(client, before.model.name, before.number, remote.run_id)
    with transaction.atomic():
        row = ModelVersion.objects.select_for_update(of=("self",)).select_related("model").get(pk=version_id)
        unchanged_here = row.updated_at == before.updated_at  # then MLflow's word is the newer one, whatever its clock
        if change := version_change(row, remote, trust_older=unchanged_here):
            update_versions([(Local(row.model), change)])
        details.keep(row, read)
        summaries.refresh([row.model_id])
    return row


def _read(client: MlflowClient, name: str, number: int, run_id: str) -> Details | MlflowError:
    """Read in a thread, without the database. Returns the problem instead of raising it."""
    try:
        return details.read(client, name, number, run_id)
    except MlflowError as error:
        return error


def _keep(row: ModelVersion, answer: Details | MlflowError) -> None:
    with transaction.atomic():
        locked = ModelVersion.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if isinstance(answer, Details):
            details.keep(locked, answer)
        else:
            details.keep_failure(locked, str(answer))
        summaries.refresh([row.model_id])
