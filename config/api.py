"""What every API view shares: pages of results, and errors in the one documented format."""

from typing import Any

from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.exceptions import APIException
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from apps.errors import DomainError
from config.problems import problem, problem_body


class Pages(PageNumberPagination):
    """`?page=2&page_size=20`, at most 200 rows a page. A page that does not exist is a 400 that names the field."""

    page_query_description = "Counted from 1."
    page_size_query_param = "page_size"
    page_size_query_description = "Rows on a page, 1 to 200; 50 by default."
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        size = request.query_params.get(self.page_size_query_param)
        if size is not None and not (size.isdecimal() and len(size) < 5 and 1 <= int(size) <= self.max_page_size):
            raise exceptions.ValidationError({"page_size": [f"Must be a whole number from 1 to {self.max_page_size}."]})
        try:
            return super().paginate_queryset(queryset, request, view)
        except exceptions.NotFound as error:
            raise exceptions.ValidationError({"page": ["There is no such page."]}) from error


def problem_response(error: Exception, context: dict) -> HttpResponse | None:
    """Turn any error that an API view raised into problem details; None for a bug, which becomes a 500."""
    set_rollback()
    if isinstance(error, DomainError):
        return problem(error)
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is no such object, or you may not see it.")
    if not isinstance(error, APIException):
        return None
    malformed = isinstance(error, (exceptions.ValidationError, exceptions.ParseError))
    fields = _fields(error.detail) if malformed else []
    detail = "; ".join(f"{row['field']}: {row['message']}" for row in fields) or str(error.detail)
    code = "invalid" if fields else str(getattr(error.detail, "code", error.default_code))
    body = problem_body(status=error.status_code, code=code, detail=detail, errors=fields)
    response = Response(body, status=error.status_code, content_type="application/problem+json")
    if challenge := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    return response


def _fields(detail: Any, prefix: str = "") -> list[dict[str, str]]:
    """Flatten REST framework's nested validation errors to one row per message."""
    if isinstance(detail, dict):
        whole = api_settings.NON_FIELD_ERRORS_KEY
        named = [
            (".".join(filter(None, [prefix, "" if key == whole else str(key)])), value) for key, value in detail.items()
        ]
        return [row for name, value in named for row in _fields(value, name)]
    if isinstance(detail, list):
        return [row for value in detail for row in _fields(value, prefix)]
    return [{"field": prefix or "body", "message": str(detail)}]
