"""A question to the database that ends in time: answered, or given up by the database itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from django.db import OperationalError, connection, transaction

STEPS = 10_000  # of SQLite's machine, between two looks at the clock


class TookTooLongError(Exception):
    """The database gave up."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Let the database give up on what is asked inside when it takes longer. Raises TookTooLongError."""
    nested = connection.in_atomic_block
    try:
        with transaction.atomic():
            _limit(seconds)
            yield
            if nested:  # otherwise the limit ends with the transaction
                _limit(0)
    except OperationalError as error:
        text = str(error)
        if "statement timeout" in text or "interrupted" in text:
            raise TookTooLongError from error
        raise
    finally:
        if connection.vendor == "sqlite":
            connection.connection.set_progress_handler(None, STEPS)


def _limit(seconds: float) -> None:
    """End each statement of the present transaction after this time; 0: never."""
    if connection.vendor == "sqlite":
        deadline = monotonic() + seconds
        connection.connection.set_progress_handler((lambda: monotonic() > deadline) if seconds else None, STEPS)
        return
    with connection.cursor() as cursor:
        milliseconds = max(1, int(seconds * 1000)) if seconds else 0
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
