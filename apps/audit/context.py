"""Where the present call came from: set once at the door (middleware, task, command), read by `record`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from apps.audit.actions import Source


@dataclass(frozen=True)
class Origin:
    """The door, the request's id and the client's address."""

    source: Source = Source.COMMAND
    request_id: str = ""
    address: str = ""


_current: ContextVar[Origin] = ContextVar("audit_origin", default=Origin())  # noqa: B039 - frozen


def current() -> Origin:
    """Return the origin of the present call."""
    return _current.get()


@contextmanager
def came_through(origin: Origin) -> Iterator[None]:
    """Mark everything recorded inside as coming from `origin`."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)
