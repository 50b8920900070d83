"""From which address a connection's mirror was read. At another one, what it says is no measure of what is drift."""

from django.db import transaction
from django.utils import timezone

from apps.audit.actions import Action
from apps.audit.services import Actor, Target, record
from apps.registry import connections
from apps.registry.models import Connection, SyncRun, SyncState

ENDED = "The connection has another address now."


def is_elsewhere(connection: Connection) -> bool:
    """Whether the last complete listing came from another address than the one that counts now."""
    return connection.imported_from not in ("", connections.address(connection))


def hold_passes(name: str) -> None:
    """Lock the running passes of a connection, in the caller's transaction: before its row, as a pass itself does."""
    running = SyncRun.objects.select_for_update().filter(connection=name, state=SyncState.RUNNING)
    list(running.order_by("pk").values_list("pk"))


def leave(connection: Connection, was: str) -> None:
    """Have the connection count as never imported: nothing is drift until a complete pass over the new address ended.

    `was` is the address up to now. Running passes end, and MLflow's webhook is forgotten: it belongs to the server
    that was left. In the caller's transaction, which saves the row and has called `hold_passes`.
    """
    if connection.imported_at is not None:
        connection.imported_from = connection.imported_from or was
    connection.listed_at = connection.imported_at = connection.completed_at = connection.complete_seconds = None
    connection.webhook_id = connection.webhook_url = connection.webhook_secret = connection.webhook_by = ""
    connection.webhook_at = None
    running = SyncRun.objects.filter(connection=connection, state=SyncState.RUNNING)
    running.update(state=SyncState.FAILED, finished_at=timezone.now(), error=ENDED, note="")


def notice(name: str) -> None:
    """Leave an address that the environment changed (MLFLOW_BACKEND_URL), and record it. One query when it did not."""
    if not _has_moved(Connection.objects.get(pk=name)):
        return
    with transaction.atomic():
        hold_passes(name)
        connection = Connection.objects.select_for_update().get(pk=name)
        if _has_moved(connection):
            before = {"url": connection.imported_from}
            leave(connection, connection.imported_from)
            connection.save()
            after = {"url": connections.address(connection)}
            target = Target("connection", name)
            record(Action.CONNECTION_CHANGED, by=Actor("system:operator"), target=target, before=before, after=after)


def _has_moved(connection: Connection) -> bool:
    return connection.imported_at is not None and is_elsewhere(connection)
