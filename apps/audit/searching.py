"""Searching the trail within bounded time, however long it is and whatever is asked for: ADR 0029.

Events are looked at in windows of numbers, the newest first. A window grows while the last look was quick, and the
search ends with the page full, the trail's end, or the time used up: then the answer says how far it looked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from django.db.models import Max, Q

from apps.audit import filters, moments, queries
from apps.audit.models import AuditEvent

ROWS = 50
FIRST_WINDOW = 4096  # numbers looked at first: enough for a page of what is not rare
FASTEST_GROWTH, SLOWEST_GROWTH = 16.0, 0.25
ONE_LOOK, ALL_LOOKS = 0.03, 0.12  # seconds that a look aims at, and after which no other begins


@dataclass(frozen=True)
class Found:
    """A stretch of the trail, newest first. `older` and `newer` are numbers to go on from, None at an end.

    `looked_to` is the number up to which was looked (downwards, or upwards from `after`), when the time was used up
    before the page was full: there may be more beyond. None: everything was looked at that the page needed.
    """

    events: list[AuditEvent]
    older: int | None = None
    newer: int | None = None
    looked_to: int | None = None

    @property
    def looked_to_at(self) -> datetime | None:
        """When the event was written up to which was looked."""
        return moments.time_of(self.looked_to) if self.looked_to else None


def search(
    user: Any, values: Mapping[str, Any], *, before: int | None = None, after: int | None = None, rows: int = ROWS,
    seconds: float | None = None,
) -> Found:  # fmt: skip
    """Return the `rows` newest events that `user` may read and that fit `values` (see `filters.condition`).

    `before`: older than this number; `after`: the next newer ones than this number. Events that arrive meanwhile move
    nothing. After `seconds` (None: ALL_LOOKS) no further window is looked at; one is in any case.
    """
    parts = [part & wanted for part in queries.readable(user) for wanted in filters.alternatives(values)]
    low, high = _bounds(values, before, after)
    events: dict[int, AuditEvent] = {}
    looked_to = None
    for start, end, last in _windows(low, high, ALL_LOOKS if seconds is None else seconds, upwards=after is not None):
        events |= {event.pk: event for event in _look(parts, start, end, rows + 1 - len(events), after is not None)}
        if len(events) > rows or last:
            looked_to = None
            break
        looked_to = start if after is None else end - 1
    return _page(sorted(events.values(), key=lambda event: event.pk, reverse=True), rows, before, after, looked_to)


def any_fits(user: Any, values: Mapping[str, Any], *, seconds: float) -> bool | None:
    """Return whether any event fits that `user` may read; None when the time was used up before it was known."""
    found = search(user, values, rows=1, seconds=seconds)
    return True if found.events else False if found.looked_to is None else None


def _bounds(values: Mapping[str, Any], before: int | None, after: int | None) -> tuple[int, int]:
    """Return the first number that can fit, and the one after the last."""
    low, high = moments.numbers_within(values.get("since"), values.get("until"))
    newest = AuditEvent.objects.aggregate(newest=Max("id"))["newest"] or 0
    return max(low, (after or 0) + 1), min(bound for bound in (newest + 1, high, before) if bound is not None)


def _windows(low: int, high: int, seconds: float, *, upwards: bool) -> Iterator[tuple[int, int, bool]]:
    """Yield (first number, number after the last, whether it is the last window) until the time is used up."""
    deadline, size = monotonic() + seconds, float(FIRST_WINDOW)
    while low < high:
        start, end = (low, min(high, low + int(size))) if upwards else (max(low, high - int(size)), high)
        began = monotonic()
        yield start, end, end == high if upwards else start == low
        now = monotonic()
        if now >= deadline:
            return
        low, high = (end, high) if upwards else (low, start)
        size *= min(FASTEST_GROWTH, max(SLOWEST_GROWTH, ONE_LOOK / max(now - began, 1e-6)))


def _look(parts: list[Q], start: int, end: int, most: int, upwards: bool) -> list[AuditEvent]:
    """Return the `most` first events of each part in a window."""
    order = "id" if upwards else "-id"
    return [
        event
        for part in parts
        for event in AuditEvent.objects.filter(part, id__gte=start, id__lt=end).order_by(order)[:most]
    ]


def _page(found: list[AuditEvent], rows: int, before: int | None, after: int | None, looked_to: int | None) -> Found:
    """Cut to the page, and say where to go on from."""
    more = len(found) > rows
    if after is not None:
        events = found[-rows:]
        newer = events[0].pk if more else looked_to
        return Found(events, events[-1].pk if events else after + 1, newer, looked_to)
    events = found[:rows]
    older = events[-1].pk if more else looked_to
    newer = None if before is None else events[0].pk if events else before - 1
    return Found(events, older, newer, looked_to)
