"""Mirroring MLflow in the foreground: for the command, for scripts and for tests. The worker's way is syncing.jobs."""

from django.utils import timezone

from apps.registry import connections
from apps.registry.models import DEFAULT_CONNECTION, ModelVersion, SyncKind, SyncRun
from apps.registry.syncing import changes, complete, runs, schedule, touched
from apps.registry.syncing.runs import BY_COMMAND, OtherKindNeeded, Progress

__all__ = ["BY_COMMAND", "synchronise"]


def synchronise(
    *,
    requested_by: str,
    full: bool = False,
    model: str | None = None,
    connection: str = DEFAULT_CONNECTION,
    progress: Progress = lambda done, total, note: None,
) -> SyncRun:
    """Mirror a connection once, or one model of it. `full` looks at everything and has all details read again.

    Returns the finished record; its state is CANCELLED when somebody stopped it. Raises NotVisible for an unknown
    connection, and UpstreamUnavailable when MLflow did not deliver: the record says so, the mirror stays as it was.
    """
    source = connections.get(connection)
    run = None
    if model is not None:
        run, settled = _model(connection, requested_by, model, progress)
        if not settled:
            _all(connection, requested_by, progress, everything=False)
    else:
        costly = not schedule.is_cheap(source, schedule.CHEAP_SECONDS_BY_COMMAND)
        everything = full or not costly or schedule.complete_is_due(source)
        run = _all(connection, requested_by, progress, everything=everything)
    if full:
        versions = ModelVersion.objects.filter(model__connection=connection, deleted_at=None)
        versions = versions if model is None else versions.filter(model__name=model)
        versions.update(details_due_at=timezone.now())
    return run


def _all(connection: str, requested_by: str, progress: Progress, *, everything: bool) -> SyncRun:
    """Look at what changed, or at everything; also when only that can help."""
    if not everything:
        try:
            with runs.opened(connection, SyncKind.CHANGES, requested_by, progress=progress) as opened:
                touched.drain_now(opened)
                changes.work(opened)
            return opened.run
        except OtherKindNeeded:
            pass
    with runs.opened(connection, SyncKind.COMPLETE, requested_by, progress=progress) as opened:
        complete.work(opened)
    return opened.run


def _model(connection: str, requested_by: str, name: str, progress: Progress) -> tuple[SyncRun, bool]:
    """Look at one model. Returns also whether that settled all there is to say about its name."""
    left: set[str] = set()
    with runs.opened(connection, SyncKind.MODELS, requested_by, progress=progress) as opened:
        left = touched.work_names(opened, {name})
    return opened.run, not left
