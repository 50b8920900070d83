"""The MLflow server behind the door: one pool of connections, bodies in both directions piece by piece."""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpcore
from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.errors import UpstreamUnavailable
from apps.gateway.errors import FateUnknown
from apps.transport import tls_context

PIECE = 256 * 1024  # bytes
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 60.0  # between two pieces, either way
STORING_SECONDS = 600.0  # from the last piece of a file to MLflow's answer: it may copy all of it to a store first
MAX_ANSWER = 64 * 1024 * 1024  # bytes of an answer that is read whole
CONNECTIONS = 64
KEPT_SECONDS = 4.0  # MLflow closes what is idle after 5: what is sent just then would be lost
# What is passed on of a request: nothing that says who asks, which host was meant, or which method is "really" meant.
PASSED_ON = frozenset(
    {
        "accept", "content-type", "content-length", "range", "if-none-match", "if-modified-since", "if-range",
        "x-mlflow-experiment-id", "content-encoding",
    }
)  # fmt: skip
# What is passed back: nothing about connections, cookies or other origins.
PASSED_BACK = frozenset(
    {
        "content-type", "content-length", "content-disposition", "etag", "last-modified", "accept-ranges",
        "content-range", "content-encoding", "retry-after",
    }
)  # fmt: skip
SAFE = ("GET", "HEAD")
REFUSED = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)  # nothing was sent


httpcore.HTTP11Connection.READ_NUM_BYTES = PIECE  # at once; 64 KiB cost a tenth of the speed of large files


@contextmanager
def asked(
    method: str, target: str, *, headers: dict[str, str] | None = None, content: bytes | Iterable[bytes] | None = None,
    safe: bool | None = None, silence: float | None = None,
) -> Iterator[httpcore.Response]:  # fmt: skip
    """Ask MLflow and give its answer, whose body is still to be read.

    `safe`: it may be asked again without harm. `silence`: seconds that it may take to answer, and for each piece of it.
    Raises UpstreamUnavailable when MLflow did not get the request, or it was only a question, and FateUnknown when a
    write may have been done.
    """
    harmless = method in SAFE if safe is None else safe
    sent = _headers(headers or {}, content)
    timeout = {
        "connect": CONNECT_SECONDS, "pool": CONNECT_SECONDS, "write": SILENCE_SECONDS,
        "read": silence or SILENCE_SECONDS,
    }  # fmt: skip
    request = httpcore.Request(
        method, _url(target), headers=sent, content=content or b"", extensions={"timeout": timeout}
    )
    try:
        answer = _pool().handle_request(request)
    except REFUSED as error:
        raise UpstreamUnavailable(_("MLflow cannot be reached. Nothing was lost. Try again.")) from error
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise broken(harmless) from error
    try:
        yield answer
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise broken(harmless) from error
    finally:
        answer.close()


def whole(answer: httpcore.Response) -> bytes:
    """Return the body of an answer. Raises UpstreamUnavailable for one that nobody would send."""
    pieces, size = [], 0
    for piece in answer.iter_stream():
        size += len(piece)
        if size > MAX_ANSWER:
            raise UpstreamUnavailable(_("MLflow's answer is larger than anything that it should say."))
        pieces.append(piece)
    return b"".join(pieces)


def pieces(answer: httpcore.Response) -> Iterator[bytes]:
    """Give the body of a large answer piece by piece, as it comes.

    One of an announced size is taken from the connection as it is, once what came with the head is read: the parser
    copies it twice. Such a connection is not used again. Raises UpstreamUnavailable when it breaks off.
    """
    parsed = iter(answer.iter_stream())
    size = {name.lower(): value for name, value in answer.headers}.get(b"content-length", b"")
    if not size.isdigit():
        yield from parsed
        return
    first = next(parsed, b"")
    if not first:  # the answer to HEAD says a size and has none
        return
    yield first
    left, connection = int(size) - len(first), answer.extensions["network_stream"]
    while left > 0:
        piece = connection.read(min(PIECE, left), timeout=SILENCE_SECONDS)
        if not piece:
            raise broken(harmless=True)
        left -= len(piece)
        yield piece


def object_in(body: bytes) -> dict[str, Any]:
    """Return the JSON object that an answer holds. Raises UpstreamUnavailable for anything else."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UpstreamUnavailable(_("MLflow answered something that nobody understands. Try again."))
    return found


def passed_on(headers: Any) -> dict[str, str]:
    """Return what of a request's headers MLflow gets to see."""
    return {name: value for name, value in headers.items() if name.lower() in PASSED_ON}


def passed_back(answer: httpcore.Response) -> dict[str, str]:
    """Return what of MLflow's headers the client gets to see."""
    named = ((name.decode("ascii", "replace"), value.decode("latin-1")) for name, value in answer.headers)
    return {name: value for name, value in named if name.lower() in PASSED_BACK}


def leave_untyped(response: HttpResponseBase, headers: dict[str, str]) -> None:
    """Say nothing about the type of what MLflow gave none: Django's own would call it HTML."""
    if not any(name.lower() == "content-type" for name in headers):
        del response["Content-Type"]


def broken(harmless: bool) -> UpstreamUnavailable | FateUnknown:
    """Return the error for an answer that did not come, or came from something that stands before MLflow."""
    if harmless:
        return UpstreamUnavailable(_("MLflow did not answer. Nothing was changed. Try again."))
    return FateUnknown(
        _("MLflow took this write and did not answer, so it may have been done. Look before you send it again.")
    )


def _headers(headers: dict[str, str], content: Any) -> list[tuple[bytes, bytes]]:
    pairs = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    if isinstance(content, bytes):
        pairs.append((b"Content-Length", str(len(content)).encode()))
    elif content is not None and not any(name.lower() == "content-length" for name in headers):
        pairs.append((b"Transfer-Encoding", b"chunked"))
    return [(b"Host", _host()), *_signed_in(), *pairs]


def _url(target: str) -> httpcore.URL:
    """Return the address of a target. Put together, for taking addresses apart costs as much as sending the request."""
    server = _server(settings.MLFLOW_BACKEND_URL)
    return httpcore.URL(
        scheme=server.scheme, host=server.host, port=server.port, target=server.target.rstrip(b"/") + target.encode()
    )


def _host() -> bytes:
    server = _server(settings.MLFLOW_BACKEND_URL)
    return server.host if server.port is None else b"%b:%d" % (server.host, server.port)


@cache
def _server(address: str) -> httpcore.URL:
    return httpcore.URL(address)


def _signed_in() -> list[tuple[bytes, bytes]]:
    if settings.MLFLOW_BACKEND_USERNAME:
        pair = f"{settings.MLFLOW_BACKEND_USERNAME}:{settings.MLFLOW_BACKEND_PASSWORD}".encode()
        return [(b"Authorization", b"Basic " + base64.b64encode(pair))]
    token = settings.MLFLOW_BACKEND_TOKEN
    return [(b"Authorization", b"Bearer " + token.encode())] if token else []


@cache
def _pool() -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(
        ssl_context=tls_context(),
        max_connections=CONNECTIONS,
        max_keepalive_connections=CONNECTIONS,
        keepalive_expiry=KEPT_SECONDS,
    )
