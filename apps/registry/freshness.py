"""How fresh the mirror is: one query, for it stands on every page."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.registry.models import DEFAULT_CONNECTION, Connection, SyncKind, SyncRun, SyncState
from apps.written import Question, ask, moment

STALE_RUN = timedelta(minutes=15)  # a sync without a sign of life for so long was killed
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# What `with_freshness` asks, written out: it stands on every page, and takes ten times as long to build as to answer.
_STATUS = """
    SELECT known.name, known.good_at,
        (SELECT run.started_at FROM registry_syncrun run WHERE run.connection_id = known.name AND run.state = 'failed'
            AND NOT (run.kind = 'models') AND run.finished_at > COALESCE(known.good_at, '1970-01-01 00:00:00')
            ORDER BY run.finished_at LIMIT 1),
        (SELECT run.error FROM registry_syncrun run WHERE run.connection_id = known.name AND run.state = 'failed'
            AND NOT (run.kind = 'models') AND run.finished_at > COALESCE(known.good_at, '1970-01-01 00:00:00')
            ORDER BY run.finished_at DESC LIMIT 1),
        (SELECT MAX(run.heartbeat_at) FROM registry_syncrun run
            WHERE run.connection_id = known.name AND run.state = 'running')
    FROM (
        SELECT name, (SELECT run.finished_at FROM registry_syncrun run WHERE run.connection_id = name
            AND run.state = 'done' AND NOT (run.kind = 'models') ORDER BY run.finished_at DESC LIMIT 1) AS good_at
        FROM registry_connection WHERE {wanted}
    ) known
    ORDER BY known.name
"""


@dataclass(frozen=True)
class SyncStatus:
    """How fresh the mirror is. `last_success` None: never synced yet. `failing_since` None: the last sync was good.

    `connection` names the server that fails, where another one than the default is concerned.
    """

    last_success: datetime | None
    failing_since: datetime | None
    last_error: str
    running: bool
    connection: str = ""

    @property
    def never(self) -> bool:
        """Whether no sync has ever ended well: an empty registry page then means "not read yet"."""
        return self.last_success is None


def passes(connection: str | OuterRef, state: SyncState) -> QuerySet[SyncRun]:
    """The passes over a connection that ended so, newest first; not the reading of single models."""
    ended = SyncRun.objects.filter(connection=connection, state=state).exclude(kind=SyncKind.MODELS)
    return ended.order_by("-finished_at")


def last_good(connection: str) -> datetime | None:
    """Return when the last good pass over a connection ended; None: never."""
    return passes(connection, SyncState.DONE).values_list("finished_at", flat=True).first()


def with_freshness(connections: QuerySet[Connection]) -> QuerySet[Any]:
    """Add `good_at`, `failing_since`, `last_error` (None unless the last pass failed) and `is_running`."""
    since = Coalesce(OuterRef("good_at"), Value(LONG_AGO, output_field=DateTimeField()))
    failed = passes(OuterRef("pk"), SyncState.FAILED).filter(finished_at__gt=since)
    alive = timezone.now() - STALE_RUN
    running = SyncRun.objects.filter(connection=OuterRef("pk"), state=SyncState.RUNNING, heartbeat_at__gt=alive)
    return connections.annotate(
        good_at=Subquery(passes(OuterRef("pk"), SyncState.DONE).values("finished_at")[:1]),
        failing_since=Subquery(failed.order_by("finished_at").values("started_at")[:1]),
        last_error=Subquery(failed.values("error")[:1]),
        is_running=Exists(running),
    )


def sync_status(connection: str | None = None) -> SyncStatus:
    """Return the state of one connection, or the worst of those that are mirrored: one that fails, else the oldest."""
    return ask(status_question(connection))


def status_question(connection: str | None = None) -> Question[SyncStatus]:
    """Return how to ask for `sync_status`."""
    wanted, values = ("enabled", []) if connection is None else ("name = %s", [connection])
    return Question(_STATUS.format(wanted=wanted), values, _status)


def _status(found: list[tuple[Any, ...]]) -> SyncStatus:
    rows = [
        _Row(name, moment(good), moment(failing), error, moment(heartbeat))
        for name, good, failing, error, heartbeat in found
    ]
    known = [row for row in rows if row.failing_since or row.good_at]
    worst = min(known, key=lambda row: (row.failing_since is None, row.failing_since or row.good_at), default=None)
    alive = timezone.now() - STALE_RUN
    return SyncStatus(
        last_success=worst.good_at if worst else None,
        failing_since=worst.failing_since if worst else None,
        last_error=(worst.last_error or "") if worst else "",
        running=any(row.heartbeat_at is not None and row.heartbeat_at > alive for row in rows),
        connection=worst.connection if worst and worst.connection != DEFAULT_CONNECTION else "",
    )


@dataclass(frozen=True)
class _Row:
    """What the runs say of a connection."""

    connection: str
    good_at: datetime | None
    failing_since: datetime | None
    last_error: str | None
    heartbeat_at: datetime | None  # last sign of life of a pass that has not ended
