"""Where the present call came from: set once at the door (middleware, task, command), read by `record`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from apps.audit.actions import Source


@dataclass(frozen=True)
class Origin:
    """The door, the request's id, the client's address, and the token that was used: its prefix and name alone."""

    source: Source = Source.COMMAND
    request_id: str = ""
    address: str = ""
    token_prefix: str = ""
    token_name: str = ""


NO_DOOR = Origin()
_current: ContextVar[Origin] = ContextVar("audit_origin", default=NO_DOOR)


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


def note_token(prefix: str, name: str) -> None:
    """Say with which token the present call came, for all that is recorded until it ends.

    Without an origin around it there is no call, and nothing is kept: it would stick to whatever runs next.
    """
    origin = _current.get()
    if origin is not NO_DOOR:
        _current.set(replace(origin, token_prefix=prefix, token_name=name))
