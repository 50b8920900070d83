"""Connections to MLflow: used again while they stand, and answers that make no sense are none."""

import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from apps.errors import UpstreamUnavailable
from apps.gateway import pool, upstream
from tests.servers.broken import BrokenServer, Reply, broken_server
from tests.servers.certificates import server_and_client


class Polite(ThreadingHTTPServer):
    """A server that keeps connections open and counts them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.connections = 0
        self.open: list[BaseHTTPRequestHandler] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Polite

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1
        self.server.open.append(self)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_given: object) -> None:
        pass


@pytest.fixture
def polite(settings) -> Iterator[Polite]:
    server = Polite()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    settings.MLFLOW_BACKEND_URL = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def read() -> bytes:
    with upstream.asked("GET", "/x") as answer:
        return upstream.whole(answer)


def test_a_connection_is_used_again(polite):
    assert [read() for _turn in range(3)] == [b"hello"] * 3
    assert polite.connections == 1


def test_a_connection_whose_answer_was_not_read_is_not_used_again(polite):
    with upstream.asked("GET", "/x"):
        pass
    assert (read(), polite.connections) == (b"hello", 2)


def test_a_connection_that_the_server_ended_is_not_used_again(polite):
    read()
    polite.open[0].connection.shutdown(2)
    assert (read(), polite.connections) == (b"hello", 2)


def test_a_connection_that_nobody_used_for_long_is_not_used_again(polite, monkeypatch):
    read()
    monkeypatch.setattr(pool, "KEPT_SECONDS", 0.0)
    assert (read(), polite.connections) == (b"hello", 2)


def test_two_calls_at_once_have_a_connection_each(polite):
    with upstream.asked("GET", "/x") as first, upstream.asked("GET", "/x") as second:
        assert (upstream.whole(first), upstream.whole(second)) == (b"hello", b"hello")
    assert polite.connections == 2


@pytest.mark.parametrize(
    "reply",
    [Reply(b"{}", headers={"Content-Length": "1"}), Reply(b"{}", length=9), Reply(b"{}", headers={"X": "y" * 70_000})],
    ids=["two sizes", "shorter than it says", "a header without end"],
)
def test_an_answer_that_makes_no_sense_is_none(broken, reply):
    broken.always(reply)
    with pytest.raises(UpstreamUnavailable):
        read()


def test_a_header_over_several_lines_is_one_line(broken):
    broken.always(Reply(b"{}", headers={"ETag": "a\r\n b"}))
    with upstream.asked("GET", "/x") as answer:
        assert upstream.passed_back(answer)["etag"] == "a b"


def test_a_size_in_strange_digits_is_no_size(broken):
    broken.always(Reply(b"{}", headers={"X": "1"}))
    with upstream.asked("GET", "/x") as answer:
        answer.headers["content-length"] = "²"
        assert answer.size is None


@pytest.fixture
def over_tls() -> Iterator[tuple[BrokenServer, str, ssl.SSLContext]]:
    """A server that speaks TLS, its address, and how one trusts the authority that vouches for it."""
    speaks, trusts = server_and_client("localhost")
    with broken_server(speaks) as server:
        yield server, server.url.replace("http://127.0.0.1", "https://localhost"), trusts


def test_a_server_that_an_authority_vouches_for_is_asked(over_tls):
    server, address, trusts = over_tls
    connections = pool.Pool(address, trusts)
    connection = connections.taken()
    connections.sent(connection, "GET", "/x", [], None)
    assert (pool.answered(connection, 5.0, harmless=True).read(), server.asked) == (b"{}", ["/x"])
    connection.close()


def test_a_server_that_nobody_vouches_for_gets_nothing(over_tls, settings):
    server, settings.MLFLOW_BACKEND_URL, _trusts = over_tls
    with pytest.raises(UpstreamUnavailable):
        read()
    assert server.asked == []
