"""HTTP with an end: every socket operation of a call shares one deadline.

httpx bounds each read, so a peer that trickles a byte a second could hold a call for hours. Here the whole call is
bounded: connecting, the TLS handshake, the request, headers and body.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, cast

import httpcore
import httpx

_deadline: ContextVar[float] = ContextVar("http_deadline")  # on time.monotonic's clock


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let all socket operations inside end after `seconds`, by httpcore.TimeoutException; an outer limit counts too."""
    token = _deadline.set(min(time.monotonic() + seconds, _deadline.get(float("inf"))))
    try:
        yield
    finally:
        _deadline.reset(token)


def left(timeout: float | None = None) -> float | None:
    """Return the seconds until the nearest limit, of which `timeout` is one; None without any.

    Raises httpcore.ReadTimeout when the time of the whole call is used up.
    """
    deadline = _deadline.get(None)
    if deadline is None:
        return timeout
    rest = deadline - time.monotonic()
    if rest <= 0:
        raise httpcore.ReadTimeout("the time for the whole call is used up")
    return rest if timeout is None else min(rest, timeout)


class _Stream(httpcore.NetworkStream):
    """A connection that minds the deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self.inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, left(timeout))

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self.inner.start_tls(ssl_context, server_hostname, left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


class BoundedBackend(httpcore.SyncBackend):
    """Opens connections that mind the deadline."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(host, port, left(timeout), local_address, socket_options))


class _Body(httpx.SyncByteStream):
    def __init__(self, inner: Iterable[bytes]) -> None:
        self.inner = inner

    def __iter__(self) -> Iterator[bytes]:
        yield from self.inner

    def close(self) -> None:
        if hasattr(self.inner, "close"):
            self.inner.close()


@cache
def tls_context(verify: bool = True, ca_certificates: str = "") -> ssl.SSLContext:
    """Return how TLS peers are checked: by the system's authorities and those in `ca_certificates` (PEM), or not."""
    if not verify:
        return httpx.create_ssl_context(verify=False)
    context = httpx.create_ssl_context()
    if ca_certificates:
        context.load_verify_locations(cadata=ca_certificates)
    return context


class BoundedTransport(httpx.BaseTransport):
    """httpx over httpcore with a backend that minds the deadline. Raises httpcore's exceptions as they are."""

    def __init__(self, context: ssl.SSLContext, backend: httpcore.NetworkBackend | None = None) -> None:
        self.pool = httpcore.ConnectionPool(ssl_context=context, network_backend=backend or BoundedBackend())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        answer = self.pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=url,
                headers=request.headers.raw,
                content=cast(Iterable[bytes], request.stream),
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(cast(Iterable[bytes], answer.stream)),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self.pool.close()
