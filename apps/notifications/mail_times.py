"""When a mail is due: digests and quiet hours on the wall clock of a person's time zone. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.notifications.models import MailChoice


@dataclass(frozen=True)
class Clock:
    """A person's time zone, the hour of the digest, and the hours in which no mail comes (from 22 to 7, or none)."""

    zone: str = "UTC"
    digest_hour: int = 8
    quiet_from: int | None = None
    quiet_to: int | None = None


def due(choice: MailChoice | str, now: datetime, clock: Clock) -> datetime | None:
    """Return when something that happens `now` goes out by mail; None when it does not."""
    if choice == MailChoice.OFF:
        return None
    return after_quiet(now if choice == MailChoice.NOW else next_digest(now, clock), clock)


def next_digest(now: datetime, clock: Clock) -> datetime:
    """Return the next time that the wall clock shows the hour of the digest."""
    today = now.astimezone(ZoneInfo(clock.zone)).date()
    at = _wall(today, clock.digest_hour, clock)
    return at if at > now else _wall(today + timedelta(days=1), clock.digest_hour, clock)


def after_quiet(at: datetime, clock: Clock) -> datetime:
    """Return `at`, or the end of the quiet hours that it falls into."""
    start, end = clock.quiet_from, clock.quiet_to
    if start is None or end is None:
        return at
    local = at.astimezone(ZoneInfo(clock.zone))
    over_midnight = start > end
    quiet = (local.hour >= start or local.hour < end) if over_midnight else start <= local.hour < end
    if not quiet:
        return at
    ends_tomorrow = over_midnight and local.hour >= start
    return _wall(local.date() + timedelta(days=int(ends_tomorrow)), end, clock)


def _wall(day: date, hour: int, clock: Clock) -> datetime:
    """Return when the wall clock shows this hour; where the clocks skip it, when they go on."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(clock.zone)).astimezone(UTC)
