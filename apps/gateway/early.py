"""Reads that MLflow works on while it is still asked who asks (docs/adr/0039-reads-are-sent-early.md).

A read by a token that was good a moment ago is sent to MLflow at once. Who asks, and whether they may, is asked
meanwhile, for every call; the answer is read only then. Where it is refused, the connection is closed and nobody sees
what it would have said. Writes are never sent early, nor what a stranger sends.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic

from django.http import HttpRequest

from apps.errors import DomainError
from apps.gateway import upstream
from apps.gateway.canonical import Call, understood
from apps.gateway.routes import Found

TRUSTED_SECONDS = 5.0
KEPT = 10_000  # callers; more than that in five seconds begin anew
GUARDS = frozenset({"experiment.read", "run.read", "model.read"})  # of calls that they pass on as they are
_trusted: dict[bytes, float] = {}  # what a caller signs in with, as a digest → until when


@dataclass
class Early:
    """A read on its way. `target` is what was asked for, before a guard could change the call."""

    call: Call
    target: str
    sent: upstream.Sent
    _taken: bool = field(default=False, init=False)

    def take(self, call: Call) -> upstream.Sent | None:
        """Return what was sent, if it is what the call still asks for. Its answer is to be read, or given up."""
        if self._taken or call is not self.call or call.target != self.target:
            return None
        self._taken = True
        return self.sent

    def drop(self) -> None:
        """Give it up, unless it was taken."""
        if not self._taken:
            self.sent.connection.close()


def begin(request: HttpRequest, found: Found | None) -> Early | None:
    """Send a read to MLflow, if its caller was trusted a moment ago; None where it goes the ordinary way."""
    if found is None or found.route.guard not in GUARDS or request.method != "GET" or _has_body(request):
        return None
    if _trusted.get(_key(request), 0.0) < monotonic():
        return None
    try:
        call = understood(found, request.META.get("QUERY_STRING", ""), "", b"")
        target = call.target
        return Early(
            call, target, upstream.send("GET", target, headers=upstream.headers(request.headers, None), safe=True)
        )
    except DomainError:  # said again on the ordinary way, once it is known to whom
        return None


def trust(request: HttpRequest) -> None:
    """Send the next reads of this caller early, for a few seconds."""
    if len(_trusted) >= KEPT:
        _trusted.clear()
    _trusted[_key(request)] = monotonic() + TRUSTED_SECONDS


def distrust(request: HttpRequest) -> None:
    """Send nothing of this caller early until a call of theirs was answered again."""
    _trusted.pop(_key(request), None)


def _key(request: HttpRequest) -> bytes:
    return sha256(request.META.get("HTTP_AUTHORIZATION", "").encode(errors="surrogateescape")).digest()


def _has_body(request: HttpRequest) -> bool:
    return bool(request.META.get("HTTP_TRANSFER_ENCODING")) or request.META.get("CONTENT_LENGTH", "") not in ("", "0")
