"""What every request gets: headers, an origin for the trail, a refusal turned into an answer. Bounds: limits.py."""

import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.errors import DomainError, InvalidInput, NotVisible
from apps.gateway.errors import answer as in_mlflows_words
from config.problems import problem

View = Callable[[HttpRequest], HttpResponse]


class IsolationMiddleware:
    """Says that no other site may embed the answer, that no shared cache may keep it, and what no page needs."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class OriginMiddleware:
    """Gives the request a number, and tells the trail through which door and from which address it came."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = str(uuid.uuid4())
        source = Source.API if is_api(request) else Source.PAGE
        with came_through(Origin(source, request_id, request.META.get("REMOTE_ADDR", ""))):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class DomainErrorMiddleware:
    """Turns a DomainError that a page raised into a page with its status and its sentence (the API: config/api.py)."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        return error_page(request, error)


def is_api(request: HttpRequest) -> bool:
    """Return whether the path belongs to the API, whose errors are JSON."""
    return request.path.startswith("/api/")


def error_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Return the error as a page of its status; JSON for an API path, MLflow's JSON for what its pages ask."""
    if is_api(request):
        return problem(error)
    if request.path.startswith("/mlflow/"):
        return in_mlflows_words(error)
    if isinstance(error, NotVisible):
        return render(request, "404.html", {"message": error.message}, status=404)
    field = error.field if isinstance(error, InvalidInput) else None
    return render(request, "error.html", {"error": error, "field": field}, status=error.status)
