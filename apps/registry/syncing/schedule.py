"""Which kind of pass is due for a connection."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.registry.models import Connection, SyncKind, SyncRun, SyncState

CHEAP_SECONDS = 3.0  # a complete pass that took no longer may run each time
CHEAP_SECONDS_BY_COMMAND = 5.0
SHARE = 20  # a complete pass may take a twentieth of the time


def is_cheap(connection: Connection, seconds: float = CHEAP_SECONDS) -> bool:
    """Whether the last complete pass took so little time that no other kind is needed."""
    return connection.complete_seconds is not None and connection.complete_seconds <= seconds


def complete_is_due(connection: Connection) -> bool:
    """Whether everything is to be looked at again; a cancelled pass puts that off as a finished one does."""
    cancelled = SyncRun.objects.filter(connection=connection, state=SyncState.CANCELLED, kind=SyncKind.COMPLETE)
    last = cancelled.order_by("-finished_at").values_list("finished_at", flat=True).first()
    times = [moment for moment in (connection.completed_at, last) if moment]
    return not times or timezone.now() >= max(times) + _interval(connection)


def requests_per_second(connection: Connection, requested_by: str) -> float:
    """How fast a complete pass may ask MLflow; 0: without a limit, when somebody waits for it."""
    by_itself = requested_by.startswith("system:") and connection.imported_at is not None
    return settings.SYNC_REQUESTS_PER_SECOND if by_itself else 0.0


def _interval(connection: Connection) -> timedelta:
    longest = settings.SYNC_COMPLETE_INTERVAL_SECONDS
    if connection.complete_seconds is None:
        return timedelta(seconds=longest)
    wanted = max(settings.SYNC_INTERVAL_SECONDS, SHARE * connection.complete_seconds)
    return timedelta(seconds=min(wanted, longest))
