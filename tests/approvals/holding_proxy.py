"""A proxy between a worker and MLflow that stops the worker at an exact place: it holds one call.

Nothing in the product knows of it. It also counts the writes that really reached MLflow.
"""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

import httpx

WRITE = "model-versions/transition-stage"
READ = "model-versions/get?"
ALIAS = "registered-models/alias"
MODEL = "registered-models/get?"
READS_BEFORE = {READ: 2, MODEL: 1}  # the intention of an apply: the mirror reads the version too
PATIENCE = 60.0  # seconds that a call is held at most


class HoldingProxy:
    """Forwards to `upstream`. `hold` says which call is stopped, once, or is empty.

    "first read" of all, "read again" between the intention and the write, "write", "written" (its answer), "reading
    back", and "read back" (the last answer), all of the stage; the same of the alias with "alias" before it.

    `touched`: how many versions the write touches, each of which is read back.
    """

    def __init__(self, upstream: str, hold: str, touched: int) -> None:
        self.upstream, self.hold, self.touched = upstream, hold, touched
        self.url = ""
        self.writes = 0  # that reached MLflow
        self.alias_writes = 0
        self.reads_after_write = 0
        self.reads = {READ: 0, MODEL: 0}
        self.holding, self.release = Event(), Event()
        self.lock = Lock()

    def before(self, path: str) -> bool:
        """Return whether to hold the call instead of passing it on."""
        with self.lock:
            if WRITE in path:
                return self._take("write")
            if ALIAS in path:
                return self._take("alias write")
            if READ in path:
                return self._take(self._read(READ, "", self.writes))
            return MODEL in path and self._take(self._read(MODEL, "alias ", self.alias_writes))

    def _read(self, what: str, part: str, written: int) -> str:
        """Count a read, and return which one it is: the mirror's own come first, then the one before the intention."""
        self.reads[what] += 1
        if written:
            return f"{part}reading back"
        return {1: "first read", READS_BEFORE[what] + 1: f"{part}read again"}.get(self.reads[what], "")

    def after(self, path: str) -> bool:
        """Count what MLflow has done; return whether to hold its answer."""
        with self.lock:
            if WRITE in path:
                self.writes += 1
                return self._take("written")
            if ALIAS in path:
                self.alias_writes += 1
                return self._take("alias written")
            if READ in path and self.writes:
                self.reads_after_write += 1
                return self.reads_after_write == self.touched and self._take("read back")
            return MODEL in path and bool(self.alias_writes) and self._take("alias read back")

    def _take(self, place: str) -> bool:
        if not place or self.hold != place:
            return False
        self.hold = ""
        return True

    def wait_for_release(self) -> None:
        """Stop here until the test goes on."""
        self.holding.set()
        self.release.wait(PATIENCE)


@contextmanager
def holding_proxy(upstream: str, hold: str, *, touched: int = 2) -> Iterator[HoldingProxy]:
    """Run the proxy on a free port of this machine. An apply touches two versions: its own, and the one archived."""
    proxy = HoldingProxy(upstream, hold, touched)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(proxy: HoldingProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if proxy.before(self.path):
                proxy.wait_for_release()
                if _hung_up(self.connection):
                    self.close_connection = True  # whoever asked is dead: nothing reaches MLflow
                    return
            kind = {"Content-Type": self.headers["Content-Type"]} if "Content-Type" in self.headers else {}
            answer = httpx.request(
                self.command, proxy.upstream + self.path, content=body, headers=kind, timeout=PATIENCE, trust_env=False
            )
            if proxy.after(self.path):
                proxy.wait_for_release()
            self._answer(answer)

        def _answer(self, answer: httpx.Response) -> None:
            try:
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)
            except OSError:  # killed meanwhile
                self.close_connection = True

        do_GET = do_POST = do_PATCH = do_DELETE = _pass  # noqa: N815 - the names that http.server asks for

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the peer was killed between two calls
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler


def _hung_up(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


@contextmanager
def acting_proxy(upstream: str, path: str, *, at: int, act: Callable[[], None]) -> Iterator[str]:
    """Run a proxy that lets something happen in MLflow right after it has answered the call number `at` to `path`."""
    seen = iter(range(1, 10_000))

    class Acting(HoldingProxy):
        def after(self, asked: str) -> bool:
            if path in asked and next(seen) == at:
                act()
            return False

    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(Acting(upstream, "", 0)))
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def refusing_proxy(upstream: str, path: str) -> Iterator[str]:
    """Run a proxy that answers calls to `path` with error 500 in MLflow's place, and passes on all others."""

    class Refusing(_handler(HoldingProxy(upstream, "", 0))):  # type: ignore[misc]
        def _pass(self) -> None:
            if path in self.path:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(httpx.Response(500))
            else:
                super()._pass()

        do_GET = do_POST = do_PATCH = do_DELETE = _pass  # noqa: N815 - the names that http.server asks for

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
