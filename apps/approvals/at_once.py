"""What a page asks about the same request again and again is worked out once: its evidence, its checks, its demands.

Only while a page is put together, which changes nothing (`looking`); a service always looks anew.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

from django.db.models import Model

Answer = TypeVar("Answer")
_seen: ContextVar[dict[tuple[str, int], Any] | None] = ContextVar("seen_at_once", default=None)


@contextmanager
def looking() -> Iterator[None]:
    """Keep what is worked out about requests until the end of the block. Nothing may be changed within it."""
    token = _seen.set({})
    try:
        yield
    finally:
        _seen.reset(token)


def once_while_looking(work_out: Callable[..., Answer]) -> Callable[..., Answer]:
    """Let a function of a stored request, or of a version, answer from what is kept, inside `looking`."""

    @wraps(work_out)
    def answer(about: Any) -> Answer:
        seen = _seen.get()
        if seen is None or not isinstance(about, Model) or about.pk is None:
            return work_out(about)
        key = (f"{work_out.__module__}.{work_out.__qualname__}", about.pk)
        if key not in seen:
            seen[key] = work_out(about)
        return cast(Answer, seen[key])

    return answer
