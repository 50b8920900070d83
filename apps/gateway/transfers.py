"""How many large files may be on their way at once: never so many that everybody else waits for a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.conf import settings
from django.utils.translation import gettext as _

from apps.errors import UpstreamUnavailable

LARGE = 1024 * 1024  # bytes from which on a file counts; one sent in chunks does always, for it may be of any size
_free = BoundedSemaphore(settings.GATEWAY_TRANSFERS)


@contextmanager
def under_way(size: int) -> Iterator[None]:
    """Hold one of the places for large files (of `size` bytes, negative: not announced) for as long as it takes.

    Raises UpstreamUnavailable at once when all are taken: MLflow's clients then wait, longer each time, and try again.
    """
    if 0 <= size < LARGE:
        yield
        return
    if not _free.acquire(blocking=False):
        message = _("As many large files are on their way as GATEWAY_TRANSFERS allows. Nothing was changed. Try again.")
        raise UpstreamUnavailable(message)
    try:
        yield
    finally:
        _free.release()
