"""The errors that Assent's own rules raise. config/middleware.py and config/api.py turn each into an answer, once."""

from collections.abc import Mapping
from types import MappingProxyType


class DomainError(Exception):
    """Something the product refuses or cannot do. `message` says what happened, why, and what to do next.

    `field` names the input at fault, where there is one, and `errors` all of them with their sentences where there are
    several; `code` is stable, for machines. `headers` go with the answer of the API.
    """

    status = 400
    code = "invalid"
    errors: Mapping[str, str] = MappingProxyType({})
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(DomainError):
    """An input that cannot be understood or is out of bounds (400)."""


class TooLarge(DomainError):
    """More than any request needs was sent (413)."""

    status = 413
    code = "too_large"


class TooManyRequests(DomainError):
    """More requests than a minute allows (429). `seconds`: how long to wait."""

    status = 429
    code = "too_many_requests"

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotVisible(DomainError):
    """The object does not exist, or this person may not see it: the answer is the same (404)."""

    status = 404
    code = "not_found"


class NotAllowed(DomainError):
    """The person may see the object but lacks the permission (403)."""

    status = 403
    code = "permission_denied"


class RuleViolation(DomainError):
    """A governance rule refuses, such as approving one's own request (403)."""

    status = 403
    code = "rule_violation"


class WrongState(DomainError):
    """The object is not in a state that allows this action (409)."""

    status = 409
    code = "wrong_state"


class Conflict(DomainError):
    """Somebody else was first, or what was read has changed since (409)."""

    status = 409
    code = "conflict"


class UpstreamUnavailable(DomainError):
    """MLflow, or another system that Assent needs, did not answer properly (503)."""

    status = 503
    code = "upstream_unavailable"
