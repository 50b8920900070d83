"""The door itself: what a client of MLflow sends is understood, asked about, sent on, and answered as MLflow would."""

import json
import logging
from contextlib import ExitStack

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.audit.access.services import Asked, note
from apps.audit.actions import AccessOutcome
from apps.errors import DomainError, TooLarge
from apps.gateway import early, guarding, pool, streams, transfers, upstream
from apps.gateway.callers import Caller, caller
from apps.gateway.canonical import MAX_BODY, Answer, Call, understood
from apps.gateway.enforcement import enforce
from apps.gateway.errors import NoSuchRoute, answer, said
from apps.gateway.routes import CLOSED, PUBLIC, Found, find

logger = logging.getLogger(__name__)
DENIED = (401, 403, 404, 429)
UNKNOWN_AFTER = ("artifact.delete", "artifact.write_part")  # then nobody knows the digest of the file


def door(request: HttpRequest) -> HttpResponseBase:
    """Answer a client of MLflow."""
    guarding.load()
    who: Caller | None = None
    found: Found | None = None
    call: Call | None = None
    begun: early.Early | None = None
    try:
        found = find(str(request.method), request.path)
        if found and found.route.guard == PUBLIC:
            return HttpResponse("{}", content_type="application/json")
        begun = early.begin(request, found)
        who = caller(request)
        if found is None or found.route.guard == CLOSED:
            raise NoSuchRoute(_("This part of MLflow is not reachable through Assent. docs/gateway.md lists what is."))
        call = begun.call if begun else _understood(request, found)
        response = passed(request, call, who, begun)
        early.trust(request)
        return response
    except DomainError as error:
        streams.read_to_the_end(request.META)
        response = answer(error)
        if response.status_code in DENIED:
            early.distrust(request)
            _note(AccessOutcome.DENIED, request, found, call, who, response.status_code)
        return response
    finally:
        if begun:
            begun.drop()


def passed(request: HttpRequest, call: Call, who: Caller, begun: early.Early | None = None) -> HttpResponseBase:
    """Ask the guard of a call, and MLflow where the guard leaves the answer to it. Raises DomainError."""
    own = enforce(call, who)
    if own is not None:
        return HttpResponse(json.dumps(own), content_type="application/json")
    if call.route.carries_file:
        return _uploaded(request, call, who)
    if call.route.guard == "artifact.read":
        _note(AccessOutcome.GRANTED, request, None, call, who, 200)
    if call.route.guard in UNKNOWN_AFTER:
        call.then.append(lambda answer: streams.forgotten(call))
    content = call.body
    with ExitStack() as stack:
        stack.enter_context(call.around())
        sent = (begun and begun.take(call)) or upstream.send(
            str(request.method), call.target, headers=upstream.headers(request.headers, content), content=content,
            safe=call.route.only_reads,
        )  # fmt: skip
        told = stack.enter_context(upstream.answer_to(sent))
        if call.then or _is_small(told):
            body = upstream.whole(told)
            stack.close()
            return _finished(call, told, body)
        stack.enter_context(transfers.under_way(-1))
        kept = stack.pop_all()
    return streams.download(told, kept)


def _uploaded(request: HttpRequest, call: Call, who: Caller) -> HttpResponse:
    """Pass a file on as it comes, and note its digest once MLflow has stored it. Sent again, it does no harm."""
    upload, headers = streams.Upload(request.META, call.before_end), upstream.passed_on(request.headers)
    by = who.user.get_username()
    with transfers.under_way(upload.announced), streams.noted(call, upload, by=by) as note_status, call.around():
        asked = upstream.asked(
            str(request.method), call.target, headers=headers, content=upload, safe=call.route.method == "PUT",
            silence=upstream.STORING_SECONDS,
        )  # fmt: skip
        with asked as told:
            body = upstream.whole(told)
        note_status(told.status)
    return _finished(call, told, body)


def _is_small(told: upstream.Answer) -> bool:
    """Whether an answer is read whole before it is passed on: JSON, and what says that it is not large."""
    small = told.size is not None and told.size <= transfers.LARGE
    return small or "json" in told.headers.get("content-type", "")


def _finished(call: Call, told: upstream.Answer, body: bytes) -> HttpResponse:
    """Return a whole answer, once what follows from it has been done."""
    headers = upstream.passed_back(told)
    if told.status >= 400 and "json" not in headers.get("content-type", ""):
        if told.status >= 500 and not call.route.only_reads:
            raise upstream.broken(harmless=False)
        return said(
            told.status, "INTERNAL_ERROR" if told.status >= 500 else "BAD_REQUEST", f"MLflow answered {told.status}."
        )
    if told.status == 200 and call.then:
        done = _object(body)
        for follow in call.then:
            follow(done)
    response = HttpResponse(body, status=told.status, headers=headers)
    upstream.leave_untyped(response, headers)
    return response


def _object(body: bytes) -> Answer:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _understood(request: HttpRequest, found: Found) -> Call:
    query, kind = request.META.get("QUERY_STRING", ""), request.content_type or ""
    return understood(found, query, kind, _body(request, found))


def _body(request: HttpRequest, found: Found) -> bytes:
    """Return a body that is no file. Raises TooLarge."""
    if found.route.carries_file:
        return b""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    pieces, size = [], int(announced)
    if size <= MAX_BODY:
        size = 0
        while piece := streams.taken(request.META, min(pool.PIECE, MAX_BODY + 1 - size)):
            pieces.append(piece)
            size += len(piece)
    if size > MAX_BODY:
        raise TooLarge(_("The body is larger than 16 MB. Send less at once."))
    return b"".join(pieces)


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
