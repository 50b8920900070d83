"""Which function does which kind of job. An unknown kind fails loudly."""

from collections.abc import Callable

from apps.jobs.models import Job

Handler = Callable[[Job], None]
GaveUp = Callable[[Job, str], None]
_handlers: dict[str, tuple[Handler, GaveUp | None]] = {}


def handles(kind: str, *, gave_up: GaveUp | None = None) -> Callable[[Handler], Handler]:
    """Register a function for a kind of job. `gave_up(job, error)` is called when no attempt is left."""

    def register(handler: Handler) -> Handler:
        if kind in _handlers:
            raise ValueError(f"two handlers for {kind}")
        _handlers[kind] = (handler, gave_up)
        return handler

    return register


def handler_of(kind: str) -> tuple[Handler, GaveUp | None]:
    """Return the function and its give-up hook. Raises LookupError for an unknown kind."""
    if kind not in _handlers:
        raise LookupError(f"no handler for job kind {kind!r}")
    return _handlers[kind]
