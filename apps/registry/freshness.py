"""How fresh the mirror is: one query, for it stands on every page."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.registry.models import Connection, SyncKind, SyncRun, SyncState

STALE_RUN = timedelta(minutes=15)  # a sync without a sign of life for so long was killed
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


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
    wanted = Connection.objects.filter(enabled=True) if connection is None else Connection.objects.filter(pk=connection)
    rows = list(with_freshness(wanted.only("pk")).order_by("pk"))
    known = [row for row in rows if row.failing_since or row.good_at]
    worst = min(known, key=lambda row: (row.failing_since is None, row.failing_since or row.good_at), default=None)
    return SyncStatus(
        last_success=worst.good_at if worst else None,
        failing_since=worst.failing_since if worst else None,
        last_error=(worst.last_error or "") if worst else "",
        running=any(row.is_running for row in rows),
        connection=worst.pk if worst and not worst.is_default else "",
    )
