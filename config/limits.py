"""What is refused before anything looks at it: too many requests, and bodies larger than any of ours."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import rates
from apps.errors import DomainError, TooLarge
from apps.registry.pages.uploads import MAX_BODY, READ_TO_THE_END
from config.middleware import error_page


class SignedOut(DomainError):
    """A large form of somebody who is not signed in (401)."""

    status = 401
    code = "not_authenticated"


View = Callable[[HttpRequest], HttpResponse]
SIGNED_OUT = 64 * 1024  # bytes of a form from whoever is not signed in: thousands of fields take half a second to read
TOO_LARGE = "assent.body_too_large"  # in the environment of a request whose chunks went past its limit
PATIENCE = 60.0  # seconds that a client may take for a piece of what it sends or is sent
CHUNK = 64 * 1024


@dataclass(frozen=True)
class BodyLimit:
    """How large a body of one kind may be, and what to say to who sends more."""

    most: int  # bytes
    refusal: str | Promise


FILES = BodyLimit(MAX_BODY, _("The file is larger than 10 MB. Nothing was kept. Send a part of it."))
FORMS = BodyLimit(2 * 1024 * 1024, _("The form is larger than 2 MB. Nothing was kept. Send less."))
OTHERS = BodyLimit(2 * 1024 * 1024, _("The body is larger than 2 MB. Send less."))
ROWS = BodyLimit(MAX_BODY, _("The rows are larger than 10 MB. Nothing was kept. Send a part of them."))
BY_TYPE = {"multipart/form-data": FILES, "application/x-www-form-urlencoded": FORMS}


def body_limit(content_type: str, path: str) -> BodyLimit:
    """Return the limit for bodies of a content type, parameters left aside; rows to check may be as large as files."""
    if path.startswith("/api/") and path.endswith("/check-data/"):
        return ROWS
    return BY_TYPE.get(content_type.partition(";")[0].strip().lower(), OTHERS)


def be_patient(environ: dict[str, Any]) -> None:
    """Let nobody keep a thread waiting for a piece for more than PATIENCE: the web server alone would wait for ever."""
    if connection := environ.get("gunicorn.socket"):
        connection.settimeout(PATIENCE)


def take_in_chunks(environ: dict[str, Any]) -> None:
    """Read a body that came in chunks, without an announced size, up to its limit; then it is as one with a size.

    Django takes a request without a size for an empty one. One chunk past the limit ends the reading.
    """
    if environ.get("CONTENT_LENGTH") or "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return
    most, taken = body_limit(environ.get("CONTENT_TYPE", ""), environ.get("PATH_INFO", "")).most, BytesIO()
    while part := environ["wsgi.input"].read(min(CHUNK, most + 1 - taken.tell())):
        taken.write(part)
        if taken.tell() > most:
            environ[TOO_LARGE] = True
            taken = BytesIO()
            break
    environ["CONTENT_LENGTH"] = str(len(taken.getbuffer()))
    taken.seek(0)
    environ["wsgi.input"] = taken


class BodySizeMiddleware:
    """Refuses a body by the size that it announces, before anything parses it, whoever sends it."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: object) -> HttpResponse | None:
        limit, size = body_limit(request.META.get("CONTENT_TYPE", ""), request.path), announced(request)
        refusal: DomainError = TooLarge(str(limit.refusal))
        if size <= limit.most and not request.META.get(TOO_LARGE):
            if not _of_a_stranger(request, limit, size):
                return None
            refusal = SignedOut(
                str(_("You are not signed in, or no longer. Sign in in another tab, then send it again."))
            )
        if size <= READ_TO_THE_END:  # a browser shows the answer only after it could send everything
            while request.read(CHUNK):
                pass
        return error_page(request, refusal)


def _of_a_stranger(request: HttpRequest, limit: BodyLimit, size: int) -> bool:
    """Return whether this is a large form of somebody who is not signed in; the API, which takes JSON, asks itself."""
    form = limit in BY_TYPE.values() and not request.path.startswith("/api/")
    return form and size > SIGNED_OUT and not request.user.is_authenticated


class ClientAddressMiddleware:
    """Believes the proxies in front, and no other, about the address that a request comes from.

    Each proxy adds the address that it was asked from at the end of X-Forwarded-For: with two of ours, the last but one
    is the client's, and whatever stands before it was written by the client.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.PROXIES:
            hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
            if len(hops) >= settings.PROXIES and is_address(hops[-settings.PROXIES]):
                request.META["REMOTE_ADDR"] = hops[-settings.PROXIES]
        return self.get_response(request)


class RateMiddleware:
    """Counts requests of an address, to the API and to sign in, and says in headers where the limits stand.

    The way to a provider of identities counts as a sign-in: it asks the provider, and keeps a session for the answer.

    Those of a token are counted where it is read (apps/accounts/authentication.py), on the same list.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response
        provider = reverse("accounts:single-sign-on")
        self.sign_in = {("POST", reverse("accounts:sign-in")), ("GET", provider), ("HEAD", provider)}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        standings: list[rates.Standing] = []
        request.rates = standings  # type: ignore[attr-defined]
        standing = self._count(request)
        if standing:
            standings.append(standing)
        response = error_page(request, rates.refusal(standing)) if standing and standing.over else None
        response = response or self.get_response(request)
        for name, value in rates.headers(standings).items():
            response[name] = value
        return response

    def _count(self, request: HttpRequest) -> rates.Standing | None:
        who = rates.network(request.META.get("REMOTE_ADDR", ""))
        if request.path.startswith("/api/"):
            return rates.count(rates.ADDRESS, who)
        if (request.method, request.path) in self.sign_in:
            return rates.count(rates.SIGN_IN, who)
        return None


def is_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def announced(request: HttpRequest) -> int:
    """Return the size that a request announces, in bytes; 0 when it says none that can be read."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
