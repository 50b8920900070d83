from datetime import UTC, date, datetime

from apps.approvals.models import FreezeWindow
from apps.approvals.policies import freeze_calendar


def freeze(begin: str, end: str, lifted: str = "") -> FreezeWindow:
    times = [datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None for text in (begin, end, lifted)]
    return FreezeWindow(name="Year's end", starts_at=times[0], ends_at=times[1], lifted_at=times[2])


def frozen_days(*rows: FreezeWindow) -> list[str]:
    months = freeze_calendar.months(date(2026, 12, 1), rows, date(2026, 12, 24))
    return [
        f"{month.first:%m}-{day.number:02}" for month in months for week in month.weeks for day in week if day.freezes
    ]


def test_three_months_are_shown_over_the_turn_of_the_year():
    months = freeze_calendar.months(date(2026, 12, 1), [], date(2026, 12, 24))
    assert [month.first for month in months] == [date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]
    assert [day.number for week in months[0].weeks for day in week if day.today] == [24]
    assert {len(week) for month in months for week in month.weeks} == {7}


def test_a_freeze_stands_on_each_day_that_it_touches():
    assert frozen_days(freeze("2026-12-30T23:59", "2027-01-02T00:01")) == ["12-30", "12-31", "01-01", "01-02"]


def test_a_freeze_that_ends_at_midnight_does_not_touch_the_next_day():
    assert frozen_days(freeze("2026-12-24T00:00", "2026-12-25T00:00")) == ["12-24"]


def test_a_lifted_freeze_ends_when_it_was_lifted():
    assert frozen_days(freeze("2026-12-24T00:00", "2026-12-31T00:00", "2026-12-25T12:00")) == ["12-24", "12-25"]


def test_months_are_counted_backwards_too():
    assert freeze_calendar.shifted(date(2026, 2, 1), -3) == date(2025, 11, 1)
