"""Django's own errors as pages, or as problem details where the path belongs to the API."""

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.errors import TooLarge
from config.middleware import error_page, is_api
from config.problems import problem_body


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request could not be understood; 413: it holds more than any form of ours."""
    if isinstance(exception, TooManyFilesSent):
        return error_page(request, TooLarge(_("More than one file was sent. Nothing was kept. Send one at a time.")))
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        message = _("The form is larger than any of ours. Nothing was kept. Go back: what you typed is still there.")
        return error_page(request, TooLarge(message + " " + _("Shorten it, then send it again.")))
    return _answer(request, 400, "invalid", _("The request could not be understood."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form was not ours, or its cookie is gone."""
    message = _(
        "This form has expired or came from another site, so nothing was changed. Go back, reload, send it again."
    )
    return _answer(request, 403, "csrf_failed", message)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: no such address."""
    hint = _("The API's schema is at /api/v1/schema/.") if is_api(request) else ""
    return _answer(request, 404, "not_found", " ".join(filter(None, [_("There is no such address."), hint])))


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: signed in, but not allowed."""
    return _answer(
        request, 403, "permission_denied", _("You may not do this. Ask an admin for the role that allows it.")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a defect. The answer's X-Request-ID finds it in the log."""
    message = _("Something went wrong on our side; nothing was half-done. Try again, and tell an admin if it stays.")
    return _answer(request, 500, "server_error", message)


def _answer(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    if is_api(request):
        body = problem_body(status=status, code=code, detail=message)
        return JsonResponse(body, status=status, content_type="application/problem+json")
    return render(request, f"{status}.html", {"message": message}, status=status)
