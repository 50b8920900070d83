"""One HTTP call to an address that somebody typed, without letting them reach what only this server can.

The name is resolved here, every address that it has is checked, and the connection goes to the very address that was
checked: a name that says something else the second time (DNS re-binding) is asked only once. TLS still checks the
certificate against the name. No redirect is followed, no proxy of the environment used, and time and size are bounded.
"""

import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from apps.errors import InvalidInput
from apps.notifications.addresses import Network, may_reach, networks
from apps.transport import BoundedBackend, BoundedTransport, left, tls_context, within

TIMEOUT_SECONDS = 10.0  # of the whole call
CONNECT_SECONDS = 5.0
MAX_ANSWER = 16 * 1024  # bytes; what comes after is not read
MAX_URL = 500
PORTS = {"https": 443, "http": 80}
Resolve = Callable[[str, int], list[str]]
_resolving = ThreadPoolExecutor(
    max_workers=4, thread_name_prefix="resolve"
)  # the system's resolver knows no time limit


class Unreachable(Exception):
    """No answer was had. `str()` says why, fit for the person who looks after the webhook."""


class Forbidden(Unreachable):
    """The address is one that webhooks must not reach."""


@dataclass(frozen=True)
class Answer:
    """What the other side answered. `body` is cut; `headers` have small letters."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    milliseconds: int = 0


def resolve(host: str, port: int) -> list[str]:
    """Return the numeric addresses of a name, as the system knows them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def checked_url(url: str) -> str:
    """Return an address that a webhook may have, as far as its text tells. Raises InvalidInput (url)."""
    url = url.strip()
    parts = _parts(url)
    if parts is None or len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidInput(_("Write an address that begins with https://, in plain letters."), field="url")
    if "@" in parts.netloc:
        raise InvalidInput(
            _("Leave name and password out of the address: the signature proves who sends."), field="url"
        )
    if parts.fragment or "#" in url:
        raise InvalidInput(_("Leave out everything from “#” on."), field="url")
    if parts.scheme == "http" and (parts.hostname or "") not in settings.WEBHOOK_HTTP_HOSTS:
        text = _("Use https://. Plain http is for hosts that the installation lists in ASSENT_WEBHOOK_HTTP_HOSTS.")
        raise InvalidInput(text, field="url")
    port = parts.port or PORTS[parts.scheme]
    if port not in PORTS.values() and port < 1024:
        raise InvalidInput(_("Choose port 443, 80, or one from 1024 on."), field="url")
    return url


def post(
    url: str,
    body: bytes,
    headers: dict[str, str],
    *,
    timeout: float = TIMEOUT_SECONDS,
    resolver: Resolve = resolve,
    tls: Any = None,
) -> Answer:
    """Send one POST and return the answer, whatever its status. Raises Unreachable.

    Never inside a transaction: it waits `timeout` seconds at most. `tls` is an ssl.SSLContext; without it the system's
    authorities count.
    """
    checked_url(url)
    began = time.monotonic()
    backend = _CheckedBackend(resolver, networks(settings.WEBHOOK_ALLOWED_NETWORKS))
    try:
        # trust_env: no proxy of the environment, which would connect where it likes. identity: unpacking would let a
        # small answer become a large one.
        with (
            within(timeout),
            httpx.Client(transport=BoundedTransport(tls or tls_context(), backend), trust_env=False) as client,
            client.stream(
                "POST",
                url,
                content=body,
                headers={**headers, "Accept-Encoding": "identity"},
                timeout=timeout,
                follow_redirects=False,
            ) as answer,
        ):
            content = _beginning(answer.iter_raw())
    except (httpcore.TimeoutException, httpx.TimeoutException) as error:
        raise Unreachable(_("No whole answer within %(seconds)g seconds.") % {"seconds": timeout}) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unreachable(_("The connection failed: %(why)s.") % {"why": str(error) or type(error).__name__}) from error
    taken = round((time.monotonic() - began) * 1000)
    return Answer(answer.status_code, content, {name.lower(): value for name, value in answer.headers.items()}, taken)


def _beginning(parts: Iterable[bytes]) -> bytes:
    content = b""
    for part in parts:
        content += part
        if len(content) >= MAX_ANSWER:
            break
    return content[:MAX_ANSWER]


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets that do not close, a port that is none
        return None
    return parts if usable else None


class _CheckedBackend(BoundedBackend):
    """Resolves a name itself, and connects to an address that it has checked, never to the name."""

    def __init__(self, resolver: Resolve, allowed: tuple[Network, ...]) -> None:
        self.resolver, self.allowed = resolver, allowed

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        for address in (found := self._addresses(host, port)):
            try:
                return super().connect_tcp(address, port, left(CONNECT_SECONDS), None, kwargs.get("socket_options"))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if address == found[-1]:
                    raise
        raise AssertionError("unreachable")

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        raise Forbidden(_("Webhooks go to addresses of a network."))

    def _addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of the name, all of them checked: one that is forbidden forbids the name."""
        try:
            found = _resolving.submit(self.resolver, host, port).result(left(CONNECT_SECONDS))
        except TookTooLong as error:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise Unreachable(_("There is no address for the name %(host)s.") % {"host": host}) from error
        if not found:
            raise Unreachable(_("There is no address for the name %(host)s.") % {"host": host})
        for address in found:
            if not may_reach(address, self.allowed):
                text = _(
                    "%(host)s is at %(address)s, which is no public address. Webhooks reach such a network only when "
                    "ASSENT_WEBHOOK_ALLOWED_NETWORKS lists it."
                )
                raise Forbidden(text % {"host": host, "address": address})
        return found
