"""What is refused within a call that goes on: of several things, each decided by itself. The door notes them.

A service tells here what it refused; who stands at the door (config/access.py) collects it, and knows the route.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

DENIED = (403, 404)


@dataclass(frozen=True)
class Refused:
    """One of several things that a call was about: "request", 12, and the status that it alone would have got."""

    noun: str
    number: int
    status: int


_collected: ContextVar[list[Refused] | None] = ContextVar("audit_refused_parts", default=None)


@contextmanager
def collecting() -> Iterator[list[Refused]]:
    """Collect what is told inside."""
    found: list[Refused] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def tell_refused(noun: str, number: int, status: int) -> None:
    """Tell that one of several things was refused. A denial is collected; without a door, as in a job, nothing is."""
    found = _collected.get()
    if found is not None and status in DENIED:
        found.append(Refused(noun, number, status))
