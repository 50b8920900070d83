"""What people and other apps ask of the mirror."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.errors import NotVisible
from apps.registry import connections, summaries
from apps.registry.applying import update_versions
from apps.registry.details import keeping, reading
from apps.registry.details.jobs import enqueue_details, enqueue_version, read_due_details
from apps.registry.details.reading import Runs, Wanted
from apps.registry.models import ModelVersion
from apps.registry.planning import Local, version_change
from apps.registry.stages import lock_model
from apps.registry.syncing.now import mirror_now
from apps.registry.syncing.requests import cancel_sync, enqueue_sync, request_sync, touch
from apps.registry.syncing.writing import tell

__all__ = [
    "cancel_sync",
    "enqueue_details",
    "enqueue_sync",
    "enqueue_version",
    "mirror_now",
    "read_due_details",
    "refresh_version",
    "request_sync",
    "touch",
]


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
        wanted = Wanted(before.model.name, before.number, remote.source, remote.run_id)
        read = reading.read(client, wanted, Runs(client), thorough=True)
    with transaction.atomic():
        lock_model(before.model_id)
        row = (
            ModelVersion.objects.select_for_update(of=("self",), no_key=True).select_related("model").get(pk=version_id)
        )
        if change := version_change(row, remote):
            tell(str(row.model.connection_id), update_versions([(Local(row.model), change)]))
        elif row.seen_at is None or row.seen_at < remote.asked_at:
            ModelVersion.objects.filter(pk=row.pk).update(seen_at=remote.asked_at)
        keeping.keep(row, read, asked_at=remote.asked_at)
        summaries.refresh([row.model_id])
    return row
