"""Connections to MLflow that stay open between requests, and what comes back over them.

The standard library's client and not the one of apps/transport.py: every layer is paid for by each call of a training
loop, and this one costs a third (docs/performance.md).
"""

import re
import select
import ssl
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from time import monotonic
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from apps.errors import UpstreamUnavailable
from apps.gateway.errors import FateUnknown
from apps.transport import tls_context

PIECE = 256 * 1024  # bytes
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 60.0  # between two pieces, either way
KEPT_SECONDS = 4.0  # MLflow closes what is idle after 5: what is sent just then would be lost
BROKEN = (OSError, HTTPException)  # timeouts and TLS are among the first
_BREAKS = re.compile(r"[\r\n\0]+\s*")


class Answer:
    """What MLflow answered: the status, the headers, and a body that is read once, piece by piece."""

    def __init__(self, response: HTTPResponse, harmless: bool) -> None:
        self._response = response
        self._harmless = harmless
        self.status = response.status
        # A value that goes over several lines is one line (RFC 9112, 5.2); nothing else may hold a break.
        self.headers = {name.lower(): _BREAKS.sub(" ", value) for name, value in response.headers.items()}

    @property
    def size(self) -> int | None:
        """The announced size of the body, in bytes."""
        said = self.headers.get("content-length", "")
        return int(said) if said.isdecimal() and said.isascii() else None

    @property
    def over(self) -> bool:
        """Whether all of it was read, and its connection can carry another call."""
        return self._response.isclosed() and not self._response.will_close

    def read(self, most: int = PIECE) -> bytes:
        """Return the next piece, empty at the end. Raises as `broken` when it breaks off."""
        try:
            piece = self._response.read(most)
        except BROKEN as error:
            raise broken(self._harmless) from error
        if not piece and self._response.length:
            raise broken(self._harmless)
        return piece


class Pool:
    """The connections to one server, each used by one call at a time. `trusting`: how a TLS server is checked."""

    def __init__(self, address: str, trusting: ssl.SSLContext | None = None) -> None:
        self._trusting = trusting
        server = urlsplit(address)
        self._secure = server.scheme == "https"
        self._host, self._port = server.hostname or "", server.port
        self._named = server.netloc.rpartition("@")[2]
        self._path = server.path.rstrip("/")
        self._idle: deque[tuple[float, HTTPConnection]] = deque()

    def taken(self) -> HTTPConnection:
        """Return a connection that stands, for one call. Raises OSError when none can be opened."""
        with suppress(IndexError):
            while True:
                since, connection = self._idle.pop()
                if since > monotonic() - KEPT_SECONDS and _is_silent(connection):
                    return connection
                connection.close()
        connection = self._new()
        connection.connect()
        return connection

    def kept(self, connection: HTTPConnection) -> None:
        """Take a connection back whose call is over, and close those that nobody took for too long."""
        self._idle.append((monotonic(), connection))
        with suppress(IndexError):
            while self._idle[0][0] <= monotonic() - KEPT_SECONDS:
                self._idle.popleft()[1].close()

    def sent(
        self, connection: HTTPConnection, method: str, target: str, headers: Iterable[tuple[str, str]],
        content: bytes | Iterable[bytes] | None,
    ) -> None:  # fmt: skip
        """Send a call. One that the server does not want to the end may have been answered all the same.

        Raises OSError, and whatever giving the content raises.
        """
        connection.sock.settimeout(SILENCE_SECONDS)
        connection.putrequest(method, self._path + target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", self._named)
        announced = False
        for name, value in headers:
            connection.putheader(name, value)
            announced = announced or name.lower() == "content-length"
        if isinstance(content, bytes):
            connection.putheader("Content-Length", str(len(content)))
        elif content is not None and not announced:
            connection.putheader("Transfer-Encoding", "chunked")
        chunked = not announced and not isinstance(content, bytes)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.endheaders(content, encode_chunked=chunked)

    def _new(self) -> HTTPConnection:
        if self._secure:
            return HTTPSConnection(
                self._host, self._port, timeout=CONNECT_SECONDS, context=self._trusting or _context()
            )
        return HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)


def answered(connection: HTTPConnection, seconds: float, harmless: bool) -> Answer:
    """Wait for the answer to what was sent, and for each piece of it up to `seconds`. Raises OSError, HTTPException."""
    connection.sock.settimeout(seconds)
    response = connection.getresponse()
    if len(set(response.headers.get_all("content-length", []))) > 1:
        raise HTTPException("the answer has two sizes")
    return Answer(response, harmless)


def broken(harmless: bool) -> UpstreamUnavailable | FateUnknown:
    """Return the error for an answer that did not come, or came from something that stands before MLflow."""
    if harmless:
        return UpstreamUnavailable(_("MLflow did not answer. Nothing was changed. Try again."))
    return FateUnknown(
        _("MLflow took this write and did not answer, so it may have been done. Look before you send it again.")
    )


def pieces(answer: Answer) -> Iterator[bytes]:
    """Give the body of an answer piece by piece, as it comes. Raises as `broken` when it breaks off."""
    while piece := answer.read():
        yield piece


@cache
def pool(address: str) -> Pool:
    """Return the connections to the server at an address."""
    return Pool(address)


@cache
def _context() -> ssl.SSLContext:
    return tls_context()


def _is_silent(connection: HTTPConnection) -> bool:
    """Return whether a connection stands: an idle one has nothing to read but that the server has ended it."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
