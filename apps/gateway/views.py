"""The door itself: what a client of MLflow sends is understood, asked about, sent on, and answered as MLflow would."""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.audit.access.services import Asked, note
from apps.audit.actions import AccessOutcome
from apps.errors import DomainError, TooLarge
from apps.gateway import guarding, upstream
from apps.gateway.callers import Caller, caller
from apps.gateway.canonical import MAX_BODY, Answer, Call, understood
from apps.gateway.enforcement import enforce
from apps.gateway.errors import NoSuchRoute, answer, said
from apps.gateway.routes import CLOSED, PUBLIC, Found, find

logger = logging.getLogger(__name__)
DENIED = (401, 403, 404, 429)
FILES = ("artifact.read", "run.files")  # reads that the access log keeps
LARGE = 1024 * 1024  # bytes of an answer from which on it is passed on piece by piece


def door(request: HttpRequest) -> HttpResponseBase:
    """Answer a client of MLflow."""
    guarding.load()
    who: Caller | None = None
    found: Found | None = None
    call: Call | None = None
    try:
        found = find(str(request.method), request.path)
        if found and found.route.guard == PUBLIC:
            return HttpResponse("{}", content_type="application/json")
        who = caller(request)
        if found is None or found.route.guard == CLOSED:
            raise NoSuchRoute(_("This part of MLflow is not reachable through Assent. docs/gateway.md lists what is."))
        call = understood(
            found, request.META.get("QUERY_STRING", ""), request.content_type or "", _body(request, found)
        )
        return passed(request, call, who)
    except DomainError as error:
        response = answer(error)
        if response.status_code in DENIED:
            _note(AccessOutcome.DENIED, request, found, call, who, response.status_code)
        return response


def passed(request: HttpRequest, call: Call, who: Caller) -> HttpResponseBase:
    """Ask the guard of a call, and MLflow where the guard leaves the answer to it. Raises DomainError."""
    own = enforce(call, who)
    if own is not None:
        return HttpResponse(json.dumps(own), content_type="application/json")
    if call.route.guard == "artifact.read":
        _note(AccessOutcome.GRANTED, request, None, call, who, 200)
    content: Any = _pieces(request) if call.route.carries_file else call.body
    headers = upstream.passed_on(request.headers)
    if not call.route.carries_file:
        headers = {
            name: value for name, value in headers.items() if name.lower() not in ("content-length", "content-encoding")
        }
        if content is not None:
            headers["Content-Type"] = "application/json"
        else:
            headers.pop("Content-Type", None)
    with ExitStack() as stack:
        stack.enter_context(call.around())
        told = stack.enter_context(upstream.asked(str(request.method), call.target, headers=headers, content=content))
        size = next(
            (int(value) for name, value in told.headers if name.lower() == b"content-length" and value.isdigit()), None
        )
        if (
            call.then
            or (size is not None and size <= LARGE)
            or "json" in upstream.passed_back(told).get("content-type", "")
        ):
            body = upstream.whole(told)
            stack.close()
            return _finished(call, told, body)
        kept = stack.pop_all()
    return _streamed(told, kept)


def _finished(call: Call, told: Any, body: bytes) -> HttpResponse:
    """Return a whole answer, once what follows from it has been done."""
    headers = upstream.passed_back(told)
    if told.status >= 400 and "json" not in headers.get("content-type", headers.get("Content-Type", "")):
        return said(
            told.status, "INTERNAL_ERROR" if told.status >= 500 else "BAD_REQUEST", f"MLflow answered {told.status}."
        )
    if told.status == 200 and call.then:
        done = _object(body)
        for follow in call.then:
            follow(done)
    return HttpResponse(body, status=told.status, headers=headers)


def _streamed(told: Any, kept: ExitStack) -> StreamingHttpResponse:
    def pieces() -> Iterator[bytes]:
        with kept:
            yield from told.iter_stream()

    return StreamingHttpResponse(pieces(), status=told.status, headers=upstream.passed_back(told))


def _object(body: bytes) -> Answer:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _body(request: HttpRequest, found: Found) -> bytes:
    """Return a body that is no file. Raises TooLarge."""
    if found.route.carries_file:
        return b""
    pieces, size = [], 0
    while piece := request.META["wsgi.input"].read(min(upstream.PIECE, MAX_BODY + 1 - size)):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY:
            raise TooLarge(_("The body is larger than 16 MB. Send less at once."))
    return b"".join(pieces)


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    while piece := request.META["wsgi.input"].read(upstream.PIECE):
        yield piece


def _note(
    outcome: AccessOutcome,
    request: HttpRequest,
    found: Found | None,
    call: Call | None,
    who: Caller | None,
    status: int,
) -> None:
    route = call.route if call else found.route if found else None
    name = f"mlflow:{route.guard}" if route else "mlflow:unknown"
    asked = Asked(str(request.method), name, call.about if call else "", call.model_id if call else None)
    note(outcome, asked, status=status, person=who.user.get_username() if who else "")
