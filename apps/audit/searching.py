"""Searching the trail within bounded time, however long it is and whatever is asked for: ADR 0029.

Events are looked at in windows of numbers, the newest first, each much larger than the one before. The search ends
with the page full, with the trail's end, or with the time used up: then the answer says how far it looked. A window
that proves too large is given up by the database, and a smaller one is looked at instead.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from django.db.models import Max, Q

from apps.audit import filters, moments, queries
from apps.audit.bounded import TookTooLongError, at_most
from apps.audit.models import AuditEvent

ROWS = 50
FIRST_WINDOW = 4096  # numbers looked at first, without a limit: enough for a page of what is not rare
GROWTH = 16  # four looks for ten million numbers
ALL_LOOKS = 0.1  # seconds, after which no other look begins
LONGEST_LOOK, SHORTEST_LOOK = 0.06, 0.02  # seconds that one may take; the shortest, however little is left


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
    windows = Windows(low, high, ALL_LOOKS if seconds is None else seconds, upwards=after is not None)
    while window := windows.next():
        start, end, most = *window, rows + 1 - len(events)
        try:
            seen = _look(parts, start, end, most, windows)
        except TookTooLongError:
            windows.shrink()
            continue
        windows.grow()
        events |= {event.pk: event for event in seen}
        if len(events) > rows or windows.at_the_end:
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


class Windows:
    """The windows of numbers from `low` up to before `high`, downwards or upwards, until the time is used up."""

    def __init__(self, low: int, high: int, seconds: float, *, upwards: bool) -> None:
        self.low, self.high, self.upwards = low, high, upwards
        self.size, self.growth, self.looks = FIRST_WINDOW, GROWTH, 0
        self.deadline = monotonic() + seconds

    def next(self) -> tuple[int, int] | None:
        """Return the first number of the next window and the one after its last; None at the end of numbers or time."""
        if self.at_the_end or (self.looks and monotonic() >= self.deadline):
            return None
        self.looks += 1
        if self.upwards:
            return self.low, min(self.high, self.low + self.size)
        return max(self.low, self.high - self.size), self.high

    def limited(self) -> AbstractContextManager[None]:
        """Return what ends a look that takes too long. The first window is small enough without."""
        if self.size <= FIRST_WINDOW:
            return nullcontext()
        left = self.deadline - monotonic()
        return at_most(max(SHORTEST_LOOK, min(LONGEST_LOOK, left)))

    def grow(self) -> None:
        """Go on behind the window that was looked at."""
        if self.upwards:
            self.low = min(self.high, self.low + self.size)
        else:
            self.high = max(self.low, self.high - self.size)
        self.size *= self.growth

    def shrink(self) -> None:
        """Look at a part of the window that took too long, and at no larger one any more."""
        self.size, self.growth = max(FIRST_WINDOW, self.size // GROWTH), 1

    @property
    def at_the_end(self) -> bool:
        """Whether no number is left."""
        return self.low >= self.high


def _look(parts: list[Q], start: int, end: int, most: int, windows: Windows) -> list[AuditEvent]:
    """Return the `most` first events of each part in a window. Raises TookTooLongError."""
    order, seen = "id" if windows.upwards else "-id", list[AuditEvent]()
    for part in parts:
        with windows.limited():
            seen += AuditEvent.objects.filter(part, id__gte=start, id__lt=end).order_by(order)[:most]
    return seen


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
