"""What Assent itself writes about a version in MLflow: its description and tags, and the mirror after it.

MLflow has no compare-and-set: between reading and writing, milliseconds, a description of others is overwritten.
"""

from collections.abc import Callable, Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from apps.errors import NotVisible, UpstreamUnavailable
from apps.registry import connections, summaries
from apps.registry.applying import update_versions
from apps.registry.mlflow import RemoteVersion
from apps.registry.models import ModelVersion
from apps.registry.planning import Local, version_change
from apps.registry.stages import lock_model
from apps.registry.syncing.writing import tell

Change = Callable[[str], str]


def read(version: ModelVersion) -> RemoteVersion:
    """Return what MLflow says of a version now, and let the mirror say the same: what others wrote is theirs.

    Not inside a transaction. Raises NotVisible when it is gone, UpstreamUnavailable.
    """
    with connections.calls_for(version.model) as client:
        remote = client.get_version(version.model.name, version.number)
    if remote.created_at != version.created_at:
        raise NotVisible(_("MLflow has another version under this name and number now. Wait for the next sync."))
    with transaction.atomic():
        lock_model(version.model_id)
        row = (
            ModelVersion.objects.select_for_update(of=("self",), no_key=True).select_related("model").get(pk=version.pk)
        )
        is_news = row.seen_at is None or row.seen_at < remote.asked_at
        if is_news and (change := version_change(row, remote)):
            tell(str(row.model.connection_id), update_versions([(Local(row.model), change)]))
            summaries.refresh([row.model_id])
    return remote


def write(version: ModelVersion, found: RemoteVersion, change: Change, tags: Mapping[str, str]) -> RemoteVersion:
    """Write what MLflow does not say yet, and return what it says afterwards.

    Not inside a transaction. Raises NotVisible, and UpstreamUnavailable, also when it does not say so afterwards.
    """
    wanted = change(found.description)
    with connections.calls_for(version.model) as client:
        if wanted != found.description:
            client.describe_version(version.model.name, version.number, wanted)
        for key, value in tags.items():
            if found.tags.get(key) != value:
                client.tag_version(version.model.name, version.number, key, value)
        remote = client.get_version(version.model.name, version.number)
    if change(remote.description) != remote.description or not tags.items() <= remote.tags.items():
        raise UpstreamUnavailable(_("MLflow took the summary, but does not show it. It is tried again."))
    return remote


def settle(version: ModelVersion, remote: RemoteVersion, tags: Mapping[str, str]) -> None:
    """Let the mirror say what was written, in the caller's transaction: the event about it is the caller's."""
    lock_model(version.model_id)
    row = ModelVersion.objects.select_for_update(of=("self",), no_key=True).get(pk=version.pk)
    if row.seen_at is None or row.seen_at < remote.asked_at:
        row.description, row.tags = remote.description, {**row.tags, **tags}
        row.save(update_fields=["description", "tags"])
        summaries.refresh([row.model_id])
