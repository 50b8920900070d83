"""A real HTTP server on loopback that misbehaves on demand."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Reply:
    """One answer. `length` is what Content-Length says (None: the truth); the rest says how it is delivered."""

    body: bytes = b"{}"
    status: int = 200
    content_type: str = "application/json"
    length: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    says_nothing: bool = False  # takes the request and is silent until the server stops
    trickles: bool = False  # one byte of the headers after another, slowly, without end

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "Reply":
        return cls(json.dumps(value).encode(), status)


Decide = Callable[[str, dict[str, str]], Reply]  # path and query → reply


class BrokenServer:
    """`decide` may be replaced while it runs. `asked` collects the paths of all requests, `sent` is the last body."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.decide: Decide = lambda path, query: Reply()
        self.asked: list[str] = []
        self.sent = b""
        self.stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def always(self, reply: Reply) -> None:
        """Give every request this reply."""
        self.decide = lambda path, query: reply

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request inside
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                server.asked.append(parts.path)
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                self.close_connection = True
                with suppress(OSError):  # the client had enough: that is what is tested
                    self.deliver(server.decide(parts.path, query))

            do_POST = do_DELETE = do_GET  # noqa: N815

            def deliver(self, reply: Reply) -> None:
                if reply.says_nothing:
                    server.stopping.wait()
                    return
                if reply.trickles:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                    while not server.stopping.wait(0.02):
                        self.wfile.write(b"a")
                    return
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


@contextmanager
def broken_server(tls: ssl.SSLContext | None = None) -> Iterator[BrokenServer]:
    """Run a server for the duration of a `with`; it speaks TLS when given how."""
    server = BrokenServer(tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
