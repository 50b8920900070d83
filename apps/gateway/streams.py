"""Files on their way, piece by piece in both directions: no file is ever held whole, however large it is."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _

from apps.errors import DomainError
from apps.gateway import upstream
from apps.gateway.artifacts import OF_LOGGED, OF_RUN, OF_TRACE
from apps.gateway.canonical import Call
from apps.gateway.experiments import run_of
from apps.gateway.pool import PIECE, Answer, pieces
from apps.registry import digests

REFUSED_SECONDS = 5.0  # that a client may take for a piece of what was refused already


class CutShort(DomainError):
    """The client went away, or fell silent, in the middle of what it sent (400, which nobody reads)."""

    status = 400
    code = "bad_request"


class Upload:
    """What a client sends, read once: its size and SHA-256 are known when its last piece was given.

    Iterating raises CutShort when less comes than was announced, and what `before_end` raises, which is asked before
    the last piece is given: whoever passes it on stops there, so that nobody takes the part for the whole.
    """

    def __init__(self, environ: dict[str, Any], before_end: Callable[[], None]) -> None:
        self._environ = environ
        self._before_end = before_end
        self._hash = hashlib.sha256()
        self.size = 0  # bytes so far
        self.announced = int(environ.get("CONTENT_LENGTH") or -1)  # bytes; below 0: sent in chunks, or nothing is sent

    @property
    def sha256(self) -> str:
        """The SHA-256 of all that was read so far, 64 hex digits."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        held = b""
        while piece := taken(self._environ, PIECE):
            if held:
                yield held
            self.size += len(piece)
            self._hash.update(piece)
            held = piece
        if 0 <= self.announced != self.size:
            raise CutShort(_("The file ended before its end. Nothing was stored. Send it again."))
        self._before_end()
        if held:
            yield held


def taken(environ: dict[str, Any], most: int) -> bytes:
    """Return the next piece of a request's body, empty at its end. Raises CutShort."""
    body = environ["wsgi.input"]
    reader = getattr(body, "reader", body)  # gunicorn's body takes a kilobyte at a time from it: eight times slower
    try:
        piece: bytes = reader.read(most)
    except Exception as error:  # each web server has its own for chunks that end early or make no sense
        raise CutShort(_("The file ended before its end. Nothing was stored. Send it again.")) from error
    return piece


def read_to_the_end(environ: dict[str, Any]) -> None:
    """Read what is left of a small body, so that the connection serves the next request.

    The web server would do it after its answer, and now and then closes the connection although the next request came.
    """
    if 0 < int(environ.get("CONTENT_LENGTH") or 0) <= PIECE:
        if connection := environ.get("gunicorn.socket"):
            connection.settimeout(REFUSED_SECONDS)
        with suppress(CutShort):
            while taken(environ, PIECE):
                pass


class Download:
    """An answer of MLflow's as an iterable; closing it, begun or not, gives up the connection to MLflow."""

    def __init__(self, answer: Answer, kept: ExitStack) -> None:
        self._kept = kept
        self._pieces = self._read(answer)

    def _read(self, answer: Answer) -> Iterator[bytes]:
        with self._kept:
            yield from pieces(answer)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """End it: a client that left in the middle leaves a connection that nobody else could use."""
        self._kept.close()


def download(answer: Answer, kept: ExitStack) -> StreamingHttpResponse:
    """Return an answer of MLflow's that is passed on as it comes. `kept` is what is open as long as it goes on."""
    headers = upstream.passed_back(answer)
    response = StreamingHttpResponse(Download(answer, kept), status=answer.status, headers=headers)
    upstream.leave_untyped(response, headers)
    return response


@contextmanager
def noted(call: Call, upload: Upload, *, by: str) -> Iterator[Callable[[int], None]]:
    """Note the digest of a file that is passed on meanwhile. What is yielded is to be told MLflow's status.

    From the beginning on, what was known of the file before does not count; where MLflow does not say that it has the
    new one, nothing is known.
    """
    place = kept_at(call)
    ticket = digests.begin(*place, by=by) if place and place[1] else None
    done = False

    def told(status: int) -> None:
        nonlocal done
        if ticket and status == 200:
            done = True
            ticket.keep(upload.sha256, upload.size)

    try:
        yield told
    finally:
        if ticket and not done:
            ticket.drop()


def forgotten(call: Call) -> None:
    """Forget the digests of what a call has deleted, or stored in a way that passes the door by."""
    if place := kept_at(call):
        digests.forget(*place)


def kept_at(call: Call) -> tuple[str, str] | None:
    """Return whose file an upload or a deletion is about (a run, a logged model or a trace) and its path there.

    The path is empty for all that they have. None for a call that is about no file.
    """
    if call.route.guard == "run.upload":
        return run_of(call), call.text("path")
    path = call.named.get("artifact_path", "")
    for pattern in (OF_RUN, OF_LOGGED, OF_TRACE):
        if match := pattern.fullmatch(path):
            return match[2], match["path"] or ""
    return None
