"""The cheap pass: what changed by MLflow's own times. Its cost follows what changed, not what there is.

MLflow bumps a model's time when a version is registered, moved or deleted, and when the model is renamed or described;
a version's own time tells the rest. Tags, aliases and deleted models bump nothing: the complete pass sees them.
"""

from datetime import datetime, timedelta

from apps.registry.models import Connection, RegisteredModel
from apps.registry.planning import Remote
from apps.registry.syncing import listing
from apps.registry.syncing.runs import OtherKindNeeded, Pass, finish
from apps.registry.syncing.touched import read_again, read_models
from apps.registry.syncing.writing import mirror

OVERLAP = timedelta(seconds=120)  # rows are committed later than their times say, and several servers' clocks differ
MOST_CHANGES = 2000  # models, or ten times as many versions: a complete listing is cheaper then
MODELS_AT_ONCE = 200


def work(opened: Pass) -> None:
    """Mirror what changed since the last listing, and end the pass.

    Raises OtherKindNeeded when nothing was listed before, or when very much has changed since.
    """
    listed_at = Connection.objects.values_list("listed_at", flat=True).get(pk=opened.connection)
    if listed_at is None:
        raise OtherKindNeeded
    remote, began = _changed(opened, listed_at)
    whole = _to_be_read_whole(opened.connection, remote)
    names = sorted(whole) + sorted(remote.names() - whole)
    opened.total = len(names)
    left: set[str] = set()
    for start in range(0, len(names), MODELS_AT_ONCE):
        chunk = names[start : start + MODELS_AT_ONCE]
        part = remote.part(chunk)
        read_models(opened, part, [name for name in chunk if name in whole and name not in part.models])
        listing.add_versions(
            opened.client, part, [name for name in chunk if name in whole], lambda: opened.pulse("reading")
        )
        left |= mirror(opened, part, replaces=False)
        opened.done += len(chunk)
    read_again(opened, left)  # a model that gave up its name has been met under its new one by now
    finish(opened, listed_at=began)


def _changed(opened: Pass, listed_at: datetime) -> tuple[Remote, datetime]:
    """List what MLflow says has changed since, and return it with MLflow's time at the beginning.

    Versions first: one that is listed then has its model. MLflow's clock may have been set back meanwhile.
    """
    remote, began = Remote(), None

    def since() -> datetime:
        nonlocal began
        began = began or opened.client.date
        return min(listed_at, began or listed_at) - OVERLAP

    count, newest = 0, listed_at
    for version in listing.newest_versions(opened.client, since):
        remote.add_version(version)
        count, newest = count + 1, max(newest, version.updated_at)
        if count > 10 * MOST_CHANGES:
            raise OtherKindNeeded
        opened.pulse("listing changes")
    for model in listing.newest_models(opened.client, since):
        remote.add_model(model)
        newest = max(newest, model.updated_at)
        if len(remote.models) > MOST_CHANGES:
            raise OtherKindNeeded
        opened.pulse("listing changes")
    return remote, began or opened.client.date or newest


def _to_be_read_whole(connection: str, remote: Remote) -> set[str]:
    """Choose the models of which any version may have changed or gone: their time differs, or they are not known."""
    names = remote.names()
    rows = RegisteredModel.objects.filter(connection=connection, deleted_at=None, name__in=names)
    known = {name: times for name, *times in rows.values_list("name", "created_at", "updated_at")}
    changed = {m.name for m in remote.models.values() if known.get(m.name) != [m.created_at, m.updated_at]}
    return changed | {name for name in remote.versions if name not in known and name not in remote.models}
