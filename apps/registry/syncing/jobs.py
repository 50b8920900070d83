"""The jobs that keep the mirror in step."""

from collections.abc import Iterator
from contextlib import contextmanager

from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.jobs.handlers import handles
from apps.jobs.models import ACTIVE_STATES, Job, JobState
from apps.jobs.services import put_back
from apps.registry import connections
from apps.registry.details.jobs import enqueue_details
from apps.registry.models import Connection, SyncKind, SyncRun, SyncState
from apps.registry.syncing import changes, complete, runs, schedule, touched
from apps.registry.syncing.listing import Place
from apps.registry.syncing.requests import (
    COMPLETE,
    SHARD,
    SYNC,
    SYNC_END,
    TOUCHED,
    TURN_SECONDS,
    enqueue_complete,
    enqueue_touched,
)
from apps.registry.syncing.runs import OtherKindNeeded, Pass, SyncStopped


def _close_shared(job: Job, error: str) -> None:
    """Say that a shared pass cannot be ended: a part of it failed too often."""
    run_id = job.args.get("run")
    run = SyncRun.objects.filter(pk=run_id).first() if run_id else runs.shared(str(job.args["connection"]))
    if run:
        runs.fail(run, error)


@handles(SYNC)
def run_sync(job: Job) -> None:
    """Mirror what is due: all of a small registry, what changed in a big one. Ask for the rest."""
    connection = connections.get(str(job.args["connection"]))
    if not connection.enabled:
        return
    with _by_worker(job):
        runs.close_abandoned(connection.name, *_kinds_of_no_other(connection, COMPLETE, SyncKind.CHANGES))
        wanted = bool(job.args.get("everything")) or schedule.complete_is_due(connection)
        if schedule.is_cheap(connection):
            if not _complete_here(job, connection):
                enqueue_complete(job.requested_by, connection.name)
        elif connection.imported_at is not None:
            if not _changes(job, connection) or wanted:
                enqueue_complete(job.requested_by, connection.name)
        elif wanted and not _is_asked_for(connection) and not _complete_here(job, connection):
            enqueue_complete(job.requested_by, connection.name)
        _ask_for_the_rest(job, connection.name)


@handles(COMPLETE, gave_up=_close_shared)
def run_complete(job: Job) -> None:
    """List everything: mirror it here when it is little, share it between workers when it is much."""
    connection = connections.get(str(job.args["connection"]))
    if not connection.enabled:
        return
    with _by_worker(job):
        runs.close_abandoned(connection.name, *_kinds_of_no_other(connection, SYNC))
        run = runs.shared(connection.name)
        if run is None and _complete_here(job, connection):
            _ask_for_the_rest(job, connection.name)
            return
        run = run or runs.start(connection.name, SyncKind.COMPLETE, job.requested_by, page_token=str(Place()))
        with _part(run, job) as opened:
            if run.listed or complete.list_shards(opened, TURN_SECONDS):
                complete.resume(opened)
            else:
                put_back(job)


@handles(SHARD, gave_up=_close_shared)
def run_shard(job: Job) -> None:
    """Mirror a part of a shared pass."""
    with _by_worker(job):
        if run := _running(job):
            with _part(run, job) as opened:
                complete.work_shard(opened, int(job.args["number"]))


@handles(SYNC_END, gave_up=_close_shared)
def run_end(job: Job) -> None:
    """End a shared pass."""
    with _by_worker(job):
        if run := _running(job):
            with _part(run, job) as opened:
                complete.work_end(opened)
            _ask_for_the_rest(job, str(run.connection_id))


@handles(TOUCHED)
def read_touched(job: Job) -> None:
    """Read the models that MLflow named, until none is left."""
    connection = str(job.args["connection"])
    with _by_worker(job):
        runs.close_abandoned(connection, SyncKind.MODELS)
        touched.drain(connection, job.requested_by, job)


def _changes(job: Job, connection: Connection) -> bool:
    """Run a pass over what changed. Returns False when only a complete one can help."""
    try:
        with runs.opened(connection.name, SyncKind.CHANGES, job.requested_by, job=job) as opened:
            changes.work(opened)
    except OtherKindNeeded:
        return False
    return True


def _complete_here(job: Job, connection: Connection) -> bool:
    """Run a complete pass in this job. Returns False when it is better shared between workers."""
    try:
        with runs.opened(connection.name, SyncKind.COMPLETE, job.requested_by, job=job) as opened:
            _set_pace(opened, connection)
            first, pages = complete.first_page(opened.client)
            if not complete.is_small(first) and not schedule.is_cheap(connection):
                raise OtherKindNeeded
            complete.work(opened, pages)
    except OtherKindNeeded:
        return False
    return True


def _is_asked_for(connection: Connection) -> bool:
    """Whether a complete pass waits or runs."""
    waits = Job.objects.filter(key=f"{COMPLETE}:{connection.name}", state__in=ACTIVE_STATES).exists()
    return waits or runs.shared(connection.name) is not None


def _ask_for_the_rest(job: Job, connection: str) -> None:
    """Have the details read that are due now, and what was noted."""
    enqueue_details(job.requested_by, connection)
    if touched.due_notes(connection).exists():
        enqueue_touched(connection)


def _running(job: Job) -> SyncRun | None:
    """Return the pass that this job is a part of, unless it has ended."""
    return SyncRun.objects.filter(pk=job.args["run"], state=SyncState.RUNNING).first()


def _set_pace(opened: Pass, connection: Connection) -> None:
    pace = schedule.requests_per_second(connection, opened.run.requested_by)
    opened.client.pause = 1 / pace if pace else 0.0


def _kinds_of_no_other(connection: Connection, other: str, *kinds: SyncKind) -> list[SyncKind]:
    """Add the complete kind, which two jobs may run, unless the other one runs now."""
    runs_now = Job.objects.filter(key=f"{other}:{connection.name}", state=JobState.RUNNING).exists()
    return [*kinds] if runs_now else [*kinds, SyncKind.COMPLETE]


@contextmanager
def _by_worker(job: Job) -> Iterator[None]:
    with came_through(Origin(Source.SYNC, request_id=f"job-{job.pk}")):
        yield


@contextmanager
def _part(run: SyncRun, job: Job) -> Iterator[Pass]:
    """Work on a part of a shared pass. One that is cancelled meanwhile ends without an error."""
    try:
        with runs.taken_up(run, job=job) as opened:
            _set_pace(opened, run.connection)
            yield opened
    except SyncStopped:
        return
