"""The web server's worker stays with a connection for a moment, and keeps nobody else waiting."""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from threading import Event, Thread

import pytest

from scripts.bench.servers import free_port, wait_for

ENDS = 30.0  # seconds after which a test gives up


def application(environ, start_response):
    """Say hello."""
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A web server of one thread."""
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "tests.config.test_web", "--no-control-socket", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "config.web.StayingWorker", "--threads", "1", "--log-level", "error",
    ]  # fmt: skip
    process = subprocess.Popen(command)
    wait_for(port)
    yield port
    process.terminate()
    process.wait(ENDS)


def hello(connection: http.client.HTTPConnection) -> bytes:
    connection.request("GET", "/")
    return connection.getresponse().read()


def test_requests_that_follow_at_once_are_answered(port):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ENDS)) as connection:
        assert [hello(connection) for _turn in range(50)] == [b"hello"] * 50


def test_a_connection_that_pauses_is_answered_again(port):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ENDS)) as connection:
        first = hello(connection)
        time.sleep(0.1)
        assert (first, hello(connection)) == (b"hello", b"hello")


def test_a_busy_connection_keeps_nobody_waiting(port):
    """With one thread for all, somebody who asks without end does not keep it."""
    stop, until = Event(), time.monotonic() + ENDS

    def ask_without_end() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ENDS)) as connection:
            while not stop.is_set() and time.monotonic() < until:
                hello(connection)

    busy = Thread(target=ask_without_end)
    busy.start()
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ENDS / 2)) as connection:
            assert hello(connection) == b"hello"
    finally:
        stop.set()
        busy.join()
