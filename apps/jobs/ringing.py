"""What timers have in common: rows that are due, a bounded number at a time, each in a transaction of its own."""

import logging
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

logger = logging.getLogger(__name__)
AT_ONCE = 200


def each(due: QuerySet[Any], handle: Callable[[int], bool]) -> int:
    """Call `handle(pk)` for the rows that are due, at most 200, and return how many it had something to do for.

    Each call has a transaction of its own: `handle` locks its row, looks whether it still is due, and returns False
    when it is not. One that fails is logged, and the others go on.
    """
    handled = 0
    for pk in list(due.values_list("pk", flat=True)[:AT_ONCE]):
        try:
            with transaction.atomic(durable=True):
                handled += handle(pk)
        except Exception:  # one odd row must not stop everybody's clock
            logger.exception("a timer could not handle %s %s", due.model.__name__, pk)
    return handled
