"""Everything that is known about how the connections fare, in a fixed number of queries."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.masking import masked
from apps.registry.freshness import STALE_RUN, passes, with_freshness
from apps.registry.models import (
    Connection,
    DeliveryRefusal,
    ModelVersion,
    SyncKind,
    SyncRun,
    SyncShard,
    SyncState,
    TouchedModel,
    WebhookDelivery,
)
from apps.registry.webhooks.verify import Refusal

REASONS: dict[str, Any] = {
    Refusal.UNKNOWN: _("no webhook is registered for it"),
    Refusal.TOO_LARGE: _("larger than 1 MB"),
    Refusal.UNSIGNED: _("not signed"),
    Refusal.WRONG_SIGNATURE: _("signed with another secret"),
    Refusal.TOO_OLD: _("older than five minutes, perhaps sent again by somebody"),
    Refusal.FROM_THE_FUTURE: _("from the future: look at the clocks"),
    Refusal.UNREADABLE: _("signed, but not an event of MLflow"),
}
DAY = timedelta(days=1)
LAST_RUNS = 20


@dataclass
class RefusedDeliveries:
    """Deliveries of the last day that were refused for one reason."""

    reason: str
    count: int
    last_at: datetime
    last_address: str

    @property
    def why(self) -> str:
        """Return the reason in words."""
        return str(REASONS.get(self.reason, self.reason))


@dataclass
class ConnectionHealth:
    """How one connection fares. A pass is a sync that looks at the whole registry, not at single models."""

    connection: Connection
    last_good: SyncRun | None = None
    last_complete: SyncRun | None = None
    failing_since: datetime | None = None  # None: the last pass was good
    last_error: str = ""
    running: SyncRun | None = None
    details_due: int = 0  # versions whose run and files are to be read
    touched: int = 0  # models that MLflow named and that are to be read again
    unanswered: int = 0  # of these, those that MLflow would not tell of when asked
    named_error: str = ""  # why the last of those is unanswered, or why the last reading of named models failed
    shards: int = 0  # parts of a running complete pass that wait
    deliveries: int = 0  # in the last day
    last_delivery: datetime | None = None
    refusals: list[RefusedDeliveries] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Return disabled, failing, never or good."""
        if not self.connection.enabled:
            return "disabled"
        return "failing" if self.failing_since else "good" if self.last_good else "never"

    @property
    def waits(self) -> bool:
        """Return whether anything is still to be read."""
        return bool(self.details_due or self.touched or self.shards)

    @property
    def as_of(self) -> datetime | None:
        """Return the moment up to which changes are mirrored: when the last good pass began to look."""
        return self.last_good.started_at if self.last_good else None

    @property
    def complete_as_of(self) -> datetime | None:
        """Return the same for what only a complete pass sees: tags, aliases and deletions."""
        return self.last_complete.started_at if self.last_complete else None

    @property
    def models_per_second(self) -> float | None:
        """Return the throughput of the last complete pass."""
        run = self.last_complete
        if run is None or run.finished_at is None or "models" not in run.counts:
            return None
        seconds = (run.finished_at - run.started_at).total_seconds()
        return run.counts["models"] / seconds if seconds > 0 else None

    @property
    def calls(self) -> int | None:
        """Return how often the last good pass called MLflow."""
        return self.last_good.counts.get("calls") if self.last_good else None


def health() -> list[ConnectionHealth]:
    """How every connection fares, by name."""
    rows = list(_with_runs(Connection.objects.order_by("pk")))
    names = [row.pk for row in rows]
    wanted = {key for row in rows for key in (row.good_run, row.complete_run, row.running_run) if key}
    runs = SyncRun.objects.in_bulk(wanted)
    backlog, received, refusals = _backlog(names), _received(names), _refusals(names)
    unanswered = _unanswered(names)
    return [
        ConnectionHealth(
            connection=row,
            last_good=runs.get(row.good_run),
            last_complete=runs.get(row.complete_run),
            failing_since=row.failing_since,
            last_error=masked(row.last_error or ""),
            running=runs.get(row.running_run),
            **backlog[row.pk],
            unanswered=unanswered[row.pk][0],
            named_error=_named_error(row) or unanswered[row.pk][1],
            deliveries=received.get(row.pk, 0),
            last_delivery=row.last_delivery,
            refusals=refusals[row.pk],
        )
        for row in rows
    ]


def error_for(user: Any, error: str) -> str:
    """Return what a person is told of a failed sync.

    What an exception says may name hosts, paths and statements: it is for those who run syncs or manage connections,
    without credentials. Others are told that it failed.
    """
    if not error:
        return ""
    if any(grants.allows(user, needed) for needed in (Permission.SYNC_RUN, Permission.CONNECTION_MANAGE)):
        return masked(error)
    return gettext("MLflow could not be read. Those who run syncs see the reason.")


def last_runs() -> QuerySet[SyncRun]:
    """The last syncs of all connections, newest first."""
    return SyncRun.objects.order_by("-pk")[:LAST_RUNS]


def running_run(run_id: int) -> SyncRun | None:
    """The sync of that number if it runs."""
    return SyncRun.objects.filter(pk=run_id, state=SyncState.RUNNING).first()


def strangers() -> list[RefusedDeliveries]:
    """The deliveries of the last day that no connection expected."""
    return _refusals([""])[""]


def _with_runs(connections: QuerySet[Connection]) -> Any:
    good = passes(OuterRef("pk"), SyncState.DONE)
    alive = SyncRun.objects.filter(
        connection=OuterRef("pk"), state=SyncState.RUNNING, heartbeat_at__gt=timezone.now() - STALE_RUN
    )
    named = SyncRun.objects.filter(connection=OuterRef("pk"), kind=SyncKind.MODELS).order_by("-finished_at")
    deliveries = WebhookDelivery.objects.filter(connection=OuterRef("pk")).order_by("-received_at")
    return with_freshness(connections).annotate(
        good_run=Subquery(good.values("pk")[:1]),
        complete_run=Subquery(good.filter(kind=SyncKind.COMPLETE).values("pk")[:1]),
        running_run=Subquery(alive.order_by("-pk").values("pk")[:1]),
        last_delivery=Subquery(deliveries.values("received_at")[:1]),
        named_failed_at=Subquery(named.filter(state=SyncState.FAILED).values("finished_at")[:1]),
        named_error=Subquery(named.filter(state=SyncState.FAILED).values("error")[:1]),
        named_good_at=Subquery(named.filter(state=SyncState.DONE).values("finished_at")[:1]),
    )


def _named_error(row: Any) -> str:
    """Return why the last reading of models that MLflow named failed; empty when a later one was good."""
    over = row.named_failed_at is None or (row.named_good_at and row.named_good_at > row.named_failed_at)
    return "" if over else str(row.named_error)


def _backlog(names: list[str]) -> dict[str, dict[str, int]]:
    counted = {
        "details_due": ModelVersion.objects.filter(details_due_at__lte=timezone.now(), deleted_at=None)
        .values_list("model__connection")
        .annotate(n=Count("pk")),
        "touched": TouchedModel.objects.values_list("connection").annotate(n=Count("pk")),
        "shards": SyncShard.objects.filter(run__state=SyncState.RUNNING, done_at=None)
        .values_list("run__connection")
        .annotate(n=Count("pk")),
    }
    backlog = {name: dict.fromkeys(counted, 0) for name in names}
    for what, rows in counted.items():
        for name, count in rows:
            backlog[name][what] = count
    return backlog


def _unanswered(names: list[str]) -> dict[str, tuple[int, str]]:
    """Of the models that MLflow named, how many it would not tell of when asked, and what it said last."""
    rows = TouchedModel.objects.filter(failures__gt=0).values_list("connection")
    counted = {name: (count, last) for name, count, last in rows.annotate(n=Count("pk"), last=Max("pk"))}
    last = TouchedModel.objects.in_bulk([pk for _, pk in counted.values()])
    said = {name: (count, f"{last[pk].name}: {last[pk].error}") for name, (count, pk) in counted.items() if pk in last}
    return dict.fromkeys(names, (0, "")) | said


def _received(names: list[str]) -> dict[str, int]:
    recent = WebhookDelivery.objects.filter(connection__in=names, received_at__gt=timezone.now() - DAY)
    return dict(recent.values_list("connection").annotate(n=Count("pk")))


def _refusals(names: list[str]) -> dict[str, list[RefusedDeliveries]]:
    """The refusals of the last day by connection name, the most frequent reason first. At most 25 rows per reason."""
    found: dict[str, dict[str, RefusedDeliveries]] = defaultdict(dict)
    recent = DeliveryRefusal.objects.filter(connection_name__in=names, hour__gt=timezone.now() - DAY)
    for row in recent.order_by("last_at"):
        known = found[row.connection_name].setdefault(
            row.reason, RefusedDeliveries(row.reason, 0, row.last_at, row.last_address)
        )
        known.count, known.last_at, known.last_address = known.count + row.count, row.last_at, row.last_address
    return defaultdict(
        list,
        {name: sorted(rows.values(), key=lambda row: (-row.count, row.reason)) for name, rows in found.items()},
    )
