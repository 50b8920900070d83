"""What timers have in common: rows that are due, a bounded number at a time, each in a transaction of its own."""

import logging
import time
from bisect import bisect
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

logger = logging.getLogger(__name__)
AT_ONCE = 200
Over = Callable[[], bool]  # whether a ring has taken its time

_stopped_at: dict[str, int] = {}  # the last row before a ring of this process was over, by what handles them


def each(due: QuerySet[Any], handle: Callable[[int], bool]) -> int:
    """Call `handle(pk)` for the rows that are due, at most 200, and return how many it had something to do for.

    Each call has a transaction of its own: `handle` locks its row, looks whether it still is due, and returns False
    when it is not. One that fails is logged, and the others go on.
    """
    return sum(_handled(due.model, pk, handle) for pk in list(due.values_list("pk", flat=True)[:AT_ONCE]))


def each_in_time(due: QuerySet[Any], handle: Callable[[int], bool], over: Over) -> int:
    """The same for all rows that are due when it begins, by number, until the ring is over; for one in any case.

    The next ring of this process goes on behind the last one: rows that fail, and take their time over it, hold up no
    others for long.
    """
    name, handled = f"{handle.__module__}.{handle.__qualname__}", 0
    keys = sorted(due.order_by().values_list("pk", flat=True))  # here: SQLite would read the whole table in this order
    begin = bisect(keys, _stopped_at.pop(name, 0))
    for number, pk in enumerate(keys[begin:] + keys[:begin]):
        if number and over():
            break
        handled += _handled(due.model, pk, handle)
        _stopped_at[name] = pk
    else:
        _stopped_at.pop(name, None)
    return handled


def over_after(seconds: float, clock: Callable[[], float] = time.monotonic) -> Over:
    """Return what says whether so many seconds are over from now."""
    end = clock() + seconds
    return lambda: clock() >= end


def _handled(model: Any, pk: int, handle: Callable[[int], bool]) -> bool:
    try:
        with transaction.atomic(durable=True):
            return handle(pk)
    except Exception:  # one odd row must not stop everybody's clock
        logger.exception("a timer could not handle %s %s", model.__name__, pk)
        return False
