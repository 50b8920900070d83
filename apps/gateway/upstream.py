"""The MLflow server behind the door: what is asked of it and what is told of its answers."""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.errors import UpstreamUnavailable
from apps.gateway.pool import BROKEN, SILENCE_SECONDS, Answer, Pool, answered, broken, pieces, pool

STORING_SECONDS = 600.0  # from the last piece of a file to MLflow's answer: it may copy all of it to a store first
MAX_ANSWER = 64 * 1024 * 1024  # bytes of an answer that is read whole
# What is passed on of a request: nothing that says who asks, which host was meant, or which method is "really" meant.
PASSED_ON = frozenset(
    {
        "accept", "content-type", "content-length", "range", "if-none-match", "if-modified-since", "if-range",
        "x-mlflow-experiment-id", "content-encoding",
    }
)  # fmt: skip
OF_A_BODY = ("content-length", "content-encoding", "content-type")
# What is passed back: nothing about connections, cookies or other origins.
PASSED_BACK = frozenset(
    {
        "content-type", "content-length", "content-disposition", "etag", "last-modified", "accept-ranges",
        "content-range", "content-encoding", "retry-after",
    }
)  # fmt: skip
SAFE = ("GET", "HEAD")


@dataclass
class Sent:
    """A call on its way to MLflow, whose answer is to be waited for."""

    connection: HTTPConnection
    connections: Pool
    harmless: bool  # it may be asked again


def send(
    method: str, target: str, *, headers: dict[str, str] | None = None, content: bytes | Iterable[bytes] | None = None,
    safe: bool | None = None,
) -> Sent:  # fmt: skip
    """Send a call to MLflow. `safe`: it may be asked again without harm.

    Raises UpstreamUnavailable when MLflow did not get it, or it was only a question, and FateUnknown for a write that
    MLflow may have got.
    """
    harmless = method in SAFE if safe is None else safe
    connections = pool(settings.MLFLOW_BACKEND_URL)
    try:
        connection = connections.taken()
    except OSError as error:
        raise UpstreamUnavailable(_("MLflow cannot be reached. Nothing was lost. Try again.")) from error
    try:
        connections.sent(connection, method, target, [*_signed_in(), *(headers or {}).items()], content)
    except BROKEN as error:
        connection.close()
        raise broken(harmless) from error
    except BaseException:  # what gives the content may end it
        connection.close()
        raise
    return Sent(connection, connections, harmless)


@contextmanager
def answer_to(sent: Sent, silence: float | None = None) -> Iterator[Answer]:
    """Wait for the answer to a call, and give it with its body still to be read.

    `silence`: seconds that MLflow may take to answer, and for each piece of it. Raises as `send` when it does not come.
    """
    answer = None
    try:
        try:
            answer = answered(sent.connection, silence or SILENCE_SECONDS, sent.harmless)
        except BROKEN as error:
            raise broken(sent.harmless) from error
        yield answer
    finally:
        if answer and answer.over:
            sent.connections.kept(sent.connection)
        else:
            sent.connection.close()


@contextmanager
def asked(
    method: str, target: str, *, headers: dict[str, str] | None = None, content: bytes | Iterable[bytes] | None = None,
    safe: bool | None = None, silence: float | None = None,
) -> Iterator[Answer]:  # fmt: skip
    """Send a call to MLflow and wait for its answer. Raises as `send` and `answer_to`."""
    sent = send(method, target, headers=headers, content=content, safe=safe)
    with answer_to(sent, silence) as answer:
        yield answer


def whole(answer: Answer) -> bytes:
    """Return the body of an answer. Raises UpstreamUnavailable for one that nobody would send."""
    found, size = [], 0
    for piece in pieces(answer):
        size += len(piece)
        if size > MAX_ANSWER:
            raise UpstreamUnavailable(_("MLflow's answer is larger than anything that it should say."))
        found.append(piece)
    return b"".join(found)


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


def headers(given: Any, content: bytes | None) -> dict[str, str]:
    """Return the headers of a call whose body, if any, was rebuilt as JSON."""
    kept = {name: value for name, value in passed_on(given).items() if name.lower() not in OF_A_BODY}
    return kept | ({"Content-Type": "application/json"} if content is not None else {})


def passed_back(answer: Answer) -> dict[str, str]:
    """Return what of MLflow's headers the client gets to see, by their names in small letters."""
    return {name: value for name, value in answer.headers.items() if name in PASSED_BACK}


def leave_untyped(response: HttpResponseBase, headers: dict[str, str]) -> None:
    """Say nothing about the type of what MLflow gave none: Django's own would call it HTML."""
    if "content-type" not in headers:
        del response["Content-Type"]


def _signed_in() -> list[tuple[str, str]]:
    if settings.MLFLOW_BACKEND_USERNAME:
        pair = f"{settings.MLFLOW_BACKEND_USERNAME}:{settings.MLFLOW_BACKEND_PASSWORD}".encode()
        return [("Authorization", f"Basic {base64.b64encode(pair).decode()}")]
    token = settings.MLFLOW_BACKEND_TOKEN
    return [("Authorization", f"Bearer {token}")] if token else []
