"""Ask for a pass over MLflow, or cancel one. The work itself is done by jobs."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.audit.services import Target, attempt
from apps.errors import NotAllowed, NotVisible, WrongState
from apps.jobs.models import Job
from apps.jobs.services import enqueue
from apps.registry import connections
from apps.registry.models import Connection, SyncRun, SyncState, TouchedModel

SYNC = "registry.sync"  # decides what is due for a connection, and does it
COMPLETE = "registry.complete"  # lists a connection's models
SHARD = "registry.shard"  # mirrors a part of a complete listing
SYNC_END = "registry.sync_end"  # looks for what a complete listing no longer has
TOUCHED = "registry.touched"  # reads what MLflow named
BY_PEOPLE_AND_BEAT_ATTEMPTS = 3
TURN_SECONDS = 20.0  # after which long work stands in line again


def request_sync(*, by: User, connection: str | None = None) -> Job:
    """Ask for a sync of one connection, or of all, now; a job that waits or runs already is returned. Needs sync:run.

    Of several jobs the first is returned. Raises NotVisible for an unknown connection, WrongState when none is enabled.
    """
    with attempt(Action.SYNC_REQUESTED, by=grants.actor(by), target=_target(connection)) as trial:
        if not grants.allows(by, Permission.SYNC_RUN):
            raise NotAllowed(_("You may not start a sync. It also runs by itself; an admin can start one now."))
        wanted = list(connections.enabled()) if connection is None else [connections.get(connection)]
        if not any(row.enabled for row in wanted):
            raise WrongState(_("No MLflow server is mirrored now: the connection is disabled. Enable it first."))
        jobs = [enqueue_sync(by.get_username(), row.name, everything=True) for row in wanted]
        trial.done(after={"job": jobs[0].pk})
    return jobs[0]


def cancel_sync(run_id: int, *, by: User) -> SyncRun:
    """Stop a pass that runs; what it has mirrored stays. Needs sync:run. Raises NotVisible, or WrongState: it ended."""
    target = Target("registry", str(_("Sync %(number)d") % {"number": run_id}))
    with attempt(Action.SYNC_CANCELLED, by=grants.actor(by), target=target) as trial:
        if not grants.allows(by, Permission.SYNC_RUN):
            raise NotAllowed(_("You may not cancel a sync. An admin can."))
        run = SyncRun.objects.select_for_update().filter(pk=run_id).first()
        if run is None:
            raise NotVisible(_("There is no such sync."))
        if run.state != SyncState.RUNNING:
            raise WrongState(_("This sync has ended already. Nothing was changed."))
        run.state, run.finished_at, run.cancelled_by = SyncState.CANCELLED, timezone.now(), by.get_username()
        run.save(update_fields=["state", "finished_at", "cancelled_by"])
        trial.done(after={"connection": run.connection_id, "kind": run.kind, "done": run.done, "total": run.total})
    return run


def enqueue_sync(requested_by: str, connection: str, *, everything: bool = False) -> Job:
    """Put a sync of a connection in the queue, unless one is there. `everything`: a complete pass, due or not."""
    job = enqueue(
        SYNC,
        key=f"{SYNC}:{connection}",
        requested_by=requested_by,
        max_attempts=BY_PEOPLE_AND_BEAT_ATTEMPTS,
        connection=connection,
        everything=everything,
    )
    if everything and not job.args.get("everything"):  # beat's was there first: what is due may be less than was asked
        enqueue_complete(requested_by, connection)
    return job


def enqueue_complete(requested_by: str, connection: str) -> Job:
    """Put a complete pass over a connection in the queue, unless one is there."""
    key = f"{COMPLETE}:{connection}"
    return enqueue(COMPLETE, key=key, requested_by=requested_by, bulk=True, connection=connection)


def touch(connection: str, name: str, number: int = 0) -> None:
    """Have a model, or one version of it, read again soon. A note that is there already is made new.

    In the caller's transaction, or one of its own. The connection's row is locked: a job that has just found nothing
    more to do ends either before this note, and then another is asked for, or after it.
    """
    with transaction.atomic():
        Connection.objects.select_for_update(no_key=True).get(pk=connection)
        TouchedModel.objects.bulk_create(
            [TouchedModel(connection_id=connection, name=name, number=number)],
            update_conflicts=True,
            unique_fields=["connection", "name", "number"],
            update_fields=["noted_at"],
        )
        enqueue_touched(connection)


def enqueue_touched(connection: str) -> Job:
    """Put the reading of noted models in the queue, unless it is there."""
    return enqueue(TOUCHED, key=f"{TOUCHED}:{connection}", requested_by="system:mlflow", connection=connection)


def _target(connection: str | None) -> Target:
    return Target("registry", str(_("MLflow registry")) if connection is None else f"MLflow: {connection}")
