"""The record of a pass: it is opened, shows signs of life, may be cancelled, and ends once."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.errors import UpstreamUnavailable
from apps.jobs.models import Job
from apps.jobs.services import renew
from apps.masking import masked
from apps.registry import connections, origins
from apps.registry.mlflow import MlflowClient, MlflowError
from apps.registry.models import Connection, SyncKind, SyncRun, SyncShard, SyncState

BY_COMMAND = "command"  # a sync in the foreground, beside the worker's
SILENT = timedelta(minutes=15)  # without a sign of life for so long, a pass was killed
KEPT_RUNS = timedelta(days=14)
PULSE_SECONDS = 1.0  # between two signs of life
STOPPED = "It was stopped before its end."
Progress = Callable[[int, int | None, str], None]  # done, total, what


class SyncStopped(Exception):
    """The pass was cancelled, or given up for dead: write nothing more."""


class OtherKindNeeded(Exception):
    """This kind of pass does not fit: nothing was mirrored, and its record is removed."""


@dataclass
class Pass:
    """A pass at work: its record, its MLflow, what it has done so far. `hold` raises when its job was taken away."""

    run: SyncRun
    client: MlflowClient
    progress: Progress = lambda done, total, note: None
    hold: Callable[[], None] = lambda: None
    counts: Counter[str] = field(default_factory=Counter)
    done: int = 0  # models looked at
    total: int | None = None
    shown_at: float = 0.0

    @property
    def connection(self) -> str:
        """The name of the connection that is looked at."""
        return str(self.run.connection_id)

    def pulse(self, note: str) -> None:
        """Show life and progress, once a second at most. Raises SyncStopped when nobody wants the pass any more."""
        if time.monotonic() - self.shown_at < PULSE_SECONDS:
            return
        self.shown_at = time.monotonic()
        self.progress(self.done, self.total, note)
        shown: dict[str, Any] = {"heartbeat_at": timezone.now(), "note": note}
        if not self._is_shared():
            shown |= {"done": self.done, "total": self.total}
        if not SyncRun.objects.filter(pk=self.run.pk, state=SyncState.RUNNING).update(**shown):
            raise SyncStopped

    def fence(self) -> None:
        """Let nobody else write this connection, cancel the pass or take its job until the transaction ends.

        Of several passes over a connection one writes at a time: their records are locked in one order.
        """
        running = SyncRun.objects.select_for_update().filter(connection=self.connection, state=SyncState.RUNNING)
        if self.run.pk not in running.order_by("pk").values_list("pk", flat=True):
            raise SyncStopped
        self.hold()

    def add_to_record(self, **changes: Any) -> None:
        """Add the counts since the last time to the record, in a transaction that holds the fence."""
        row = SyncRun.objects.get(pk=self.run.pk)
        self.counts["calls"] += self.client.calls
        self.client.calls = 0
        counts = dict(Counter(row.counts) + self.counts)
        self.counts.clear()
        SyncRun.objects.filter(pk=row.pk).update(counts=counts, heartbeat_at=timezone.now(), **changes)

    def _is_shared(self) -> bool:
        return bool(self.run.page_token)


def start(connection: str, kind: SyncKind, requested_by: str, *, page_token: str = "") -> SyncRun:
    """Open the record of a pass; close those that show no life, and drop old ones."""
    origins.notice(connection)
    now = timezone.now()
    _close(SyncRun.objects.filter(connection=connection, heartbeat_at__lt=now - SILENT))
    SyncShard.objects.filter(run__connection=connection).exclude(run__state=SyncState.RUNNING).delete()
    last_good = SyncRun.objects.filter(connection=connection, state=SyncState.DONE).order_by("-finished_at")
    old = SyncRun.objects.filter(started_at__lt=now - KEPT_RUNS, connection=connection)
    old.exclude(pk__in=list(last_good.values_list("pk", flat=True)[:1])).delete()
    return SyncRun.objects.create(connection_id=connection, kind=kind, requested_by=requested_by, page_token=page_token)


@contextmanager
def opened(
    connection: str,
    kind: SyncKind,
    requested_by: str,
    *,
    job: Job | None = None,
    progress: Progress = lambda done, total, note: None,
) -> Iterator[Pass]:
    """Run a pass from its start to its end in this process; whoever works it ends it with `finish`.

    Raises UpstreamUnavailable when MLflow did not deliver: the record says so, and the mirror keeps what it has.
    A pass that is cancelled meanwhile ends without an error.
    """
    run = start(connection, kind, requested_by)
    try:
        with taken_up(run, job=job, progress=progress) as opened_pass:
            yield opened_pass
    except SyncStopped:
        run.refresh_from_db()
    except OtherKindNeeded:
        run.delete()
        raise
    except UpstreamUnavailable as error:
        fail(run, str(error.__cause__ or error))
        raise
    except BaseException as error:
        fail(run, f"{type(error).__name__}: {error}"[:1000])
        raise


@contextmanager
def taken_up(
    run: SyncRun, *, job: Job | None = None, progress: Progress = lambda done, total, note: None
) -> Iterator[Pass]:
    """Work on a pass whose record outlives this process. MLflow's troubles become UpstreamUnavailable."""

    def report(done: int, total: int | None, note: str) -> None:
        progress(done, total, note)
        if job:
            renew(job, done=done, total=total, note=note)

    origins.notice(str(run.connection_id))  # a part of a shared pass may come after the address was changed
    try:
        with connections.client(run.connection) as client:
            yield Pass(run, client, report, (lambda: renew(job)) if job else (lambda: None))
    except MlflowError as error:
        raise UpstreamUnavailable(
            _("The sync stopped: %(problem)s The mirror keeps the last good data.") % {"problem": error}
        ) from error


def finish(work: Pass, **of_connection: Any) -> None:
    """End a pass well, and note on its connection what it brought."""
    with transaction.atomic():
        work.fence()
        work.add_to_record(state=SyncState.DONE, finished_at=timezone.now(), note="", listed=True)
        if of_connection:
            Connection.objects.filter(pk=work.connection).update(**of_connection)
    work.run.refresh_from_db()


def fail(run: SyncRun, error: str) -> None:
    """End a pass with an error, unless it has ended."""
    still = SyncRun.objects.filter(pk=run.pk, state=SyncState.RUNNING)
    still.update(state=SyncState.FAILED, finished_at=timezone.now(), error=masked(error), note="")
    run.refresh_from_db()


def close_abandoned(connection: str, *kinds: SyncKind) -> None:
    """Close the passes that a killed worker left open. For the holder of the job that alone runs these kinds."""
    left = SyncRun.objects.filter(connection=connection, kind__in=kinds, page_token="")
    _close(left.exclude(requested_by=BY_COMMAND))


def shared(connection: str) -> SyncRun | None:
    """The complete pass over a connection that workers share, if one runs."""
    running = SyncRun.objects.filter(connection=connection, state=SyncState.RUNNING, kind=SyncKind.COMPLETE)
    return running.exclude(page_token="").filter(heartbeat_at__gt=timezone.now() - SILENT).order_by("pk").first()


def _close(runs: QuerySet[SyncRun]) -> None:
    runs.filter(state=SyncState.RUNNING).update(
        state=SyncState.FAILED, finished_at=timezone.now(), error=STOPPED, note=""
    )
