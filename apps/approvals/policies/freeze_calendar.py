"""Freezes as a calendar: months of weeks of days, each with the freezes that hold on it. Pure."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from apps.approvals.models import FreezeWindow

MONTHS = 3


@dataclass(frozen=True)
class Day:
    """A day of a month; `number` 0 fills a week up. Freezes that were lifted before the day began are not on it."""

    number: int
    freezes: list[FreezeWindow]
    today: bool = False


@dataclass(frozen=True)
class Month:
    """A month as weeks of seven days, beginning with Monday."""

    first: date
    weeks: list[list[Day]]


def months(begin: date, freezes: Iterable[FreezeWindow], today: date) -> list[Month]:
    """Return some months from the one of `begin` on, with the freezes on each day in UTC."""
    freezes = list(freezes)
    return [_month(first, freezes, today) for first in _firsts(begin)]


def span(begin: date) -> tuple[datetime, datetime]:
    """Return the beginning and the end of what `months` shows."""
    firsts = _firsts(begin)
    return _midnight(firsts[0]), _midnight(shifted(firsts[-1], 1))


def shifted(first: date, by: int) -> date:
    """Return the first day of the month `by` months later (before, when negative)."""
    place = first.year * 12 + first.month - 1 + by
    return date(place // 12, place % 12 + 1, 1)


def ends(freeze: FreezeWindow) -> datetime:
    """Return when a freeze ends, or ended: before its time when it was lifted."""
    return min(freeze.ends_at, freeze.lifted_at) if freeze.lifted_at else freeze.ends_at


def _firsts(begin: date) -> list[date]:
    return [shifted(begin.replace(day=1), number) for number in range(MONTHS)]


def _month(first: date, freezes: list[FreezeWindow], today: date) -> Month:
    weeks = calendar.Calendar().monthdayscalendar(first.year, first.month)
    return Month(first, [[_day(first, number, freezes, today) for number in week] for week in weeks])


def _day(first: date, number: int, freezes: list[FreezeWindow], today: date) -> Day:
    if not number:
        return Day(0, [])
    day = first.replace(day=number)
    begin, end = _midnight(day), _midnight(day) + timedelta(days=1)
    return Day(number, [row for row in freezes if row.starts_at < end and ends(row) > begin], day == today)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
