"""The API's one error format: problem details (RFC 9457) with a stable `code` and one entry per field at fault."""

from http import HTTPStatus

from django.http import JsonResponse

from apps.errors import DomainError


def problem_body(*, status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict:
    """Return the JSON object: title, status, code, detail, and errors as [{"field", "message"}]."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": errors or [],
    }


def problem(error: DomainError) -> JsonResponse:
    """Return a DomainError as a response."""
    faults = error.errors or ({error.field: error.message} if error.field else {})
    errors = [{"field": field or "body", "message": message} for field, message in faults.items()]
    body = problem_body(status=error.status, code=error.code, detail=error.message, errors=errors)
    kind = "application/problem+json"
    return JsonResponse(body, status=error.status, content_type=kind, headers=dict(error.headers))
