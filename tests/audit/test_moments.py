"""Moments as people write them, and where they lie in the trail."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.audit import moments
from apps.audit.chain import FIRST_HASH
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-05-03", datetime(2026, 5, 3, tzinfo=UTC)),
        (" 2026-05-03T12:00 ", NOON),
        ("2026-05-03T14:00+02:00", NOON),
        ("2026-05-03T12:00Z", NOON),
    ],
)
def test_a_moment_is_read_in_utc_or_in_its_own_zone(text, found):
    assert moments.read(text) == found


def test_a_day_at_the_end_means_until_its_last_moment():
    assert moments.read("2026-05-03", end=True) == datetime(2026, 5, 3, 23, 59, 59, 999999, tzinfo=UTC)


def test_a_moment_can_be_said_as_how_long_ago():
    assert abs(timezone.now() - timedelta(days=7) - moments.read("7d")) < timedelta(seconds=5)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "0d", "1w", "999999d", "0001-01-01T00:00+14:00", "9" * 40])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(InvalidInput):
        moments.read(text)


def put(*minutes: int) -> None:
    """Events that were written so many minutes after noon."""
    AuditEvent.objects.bulk_create(
        AuditEvent(
            id=number, at=NOON + timedelta(minutes=minute), action="model.changed", outcome="done", source="api",
            actor="alice", target_type="model", target="churn", previous_hash=FIRST_HASH, hash=FIRST_HASH,
        )
        for number, minute in enumerate(minutes, start=1)
    )  # fmt: skip


def test_a_time_is_found_as_a_range_of_numbers_an_hour_wider(db):
    put(*range(0, 1200, 60))
    since, until = NOON + timedelta(hours=5), NOON + timedelta(hours=8)
    assert moments.numbers_within(since, until) == (5, 10)


def test_a_clock_that_was_set_back_loses_no_event(db):
    put(0, 60, 120, 90, 95, 180)
    first, after = moments.numbers_within(NOON + timedelta(minutes=100), NOON + timedelta(minutes=130))
    assert first <= 3 < after


def test_times_before_and_after_everything_are_found(db):
    put(0, 60)
    early, late = NOON - timedelta(days=1), NOON + timedelta(days=1)
    assert moments.numbers_within(early, early) == (1, 1)
    assert moments.numbers_within(late, None) == (3, None)
    assert moments.numbers_within(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)) == (1, None)


def test_a_range_in_an_empty_trail_is_empty(db):
    assert moments.numbers_within(NOON, NOON) == (1, 1)
