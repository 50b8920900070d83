"""Errors as MLflow's clients understand them: `{"error_code", "message"}`, with codes that they know.

408, 429, 500, 502, 503 and 504 make a client try again for minutes. So no refusal has one of these, and neither has a
write of which nobody knows whether MLflow did it: repeated, it would be done twice.
"""

import json
from typing import Any

from django.http import HttpResponse

from apps.errors import (
    Conflict,
    DomainError,
    InvalidInput,
    NotAllowed,
    NotVisible,
    RuleViolation,
    TooLarge,
    TooManyRequests,
    UpstreamUnavailable,
    WrongState,
)

CODES: dict[type[DomainError], tuple[str, int]] = {
    InvalidInput: ("INVALID_PARAMETER_VALUE", 400),
    TooLarge: ("INVALID_PARAMETER_VALUE", 413),
    TooManyRequests: ("REQUEST_LIMIT_EXCEEDED", 429),
    NotVisible: ("RESOURCE_DOES_NOT_EXIST", 404),
    NotAllowed: ("PERMISSION_DENIED", 403),
    RuleViolation: ("PERMISSION_DENIED", 403),
    WrongState: ("INVALID_STATE", 400),
    Conflict: ("RESOURCE_CONFLICT", 409),
    UpstreamUnavailable: ("TEMPORARILY_UNAVAILABLE", 503),
}


class SignInNeeded(DomainError):
    """No token, or one that does not count (401)."""

    status = 401
    code = "unauthenticated"


class FateUnknown(DomainError):
    """MLflow was sent a write and did not answer: it may have been done (409, which no client repeats)."""

    status = 409
    code = "aborted"


class NoSuchRoute(DomainError):
    """MLflow does not serve this, or nobody reaches it through Assent (404)."""

    status = 404
    code = "endpoint_not_found"


class NotServed(DomainError):
    """MLflow does this for others: a client that has another way to the same end takes that (501, never repeated)."""

    status = 501
    code = "not_implemented"


OWN: dict[type[DomainError], str] = {
    SignInNeeded: "UNAUTHENTICATED", FateUnknown: "ABORTED", NoSuchRoute: "ENDPOINT_NOT_FOUND",
    NotServed: "NOT_IMPLEMENTED",
}  # fmt: skip


def answer(error: DomainError) -> HttpResponse:
    """Return a refusal as MLflow would say it."""
    kind = next((kind for kind in type(error).__mro__ if kind in CODES), None)
    code, status = CODES[kind] if kind else (OWN.get(type(error), "BAD_REQUEST"), error.status)
    response = said(status, code, error.message)
    if isinstance(error, TooManyRequests):
        response["Retry-After"] = str(error.seconds)
    if isinstance(error, SignInNeeded):
        response["WWW-Authenticate"] = 'Basic realm="Assent"'
    return response


def said(status: int, code: str, message: Any) -> HttpResponse:
    """Return an error of MLflow's form."""
    body = json.dumps({"error_code": code, "message": str(message)}, ensure_ascii=False)
    return HttpResponse(body, status=status, content_type="application/json")
