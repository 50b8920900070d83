"""One caller of one server over a kept connection, as browsers and clients keep theirs. It adds next to no time."""

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT = 120  # seconds


class Caller:
    """Asks one server. Not for threads."""

    def __init__(self, address: str, **headers: str) -> None:
        self.address, self.headers = address, headers
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: str) -> bytes:
        """Return the body of the answer to a GET. Raises RuntimeError for any status but 200."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def json(self, path: str, **query: str) -> Any:
        """Return the parsed answer to a GET."""
        return json.loads(self.get(path, **query))

    def post(self, path: str, **body: Any) -> Any:
        """Send JSON and return the parsed answer."""
        return json.loads(self._ask("POST", path, json.dumps(body)) or b"null")

    def patch(self, path: str, **body: Any) -> Any:
        """Send JSON as a PATCH and return the parsed answer."""
        return json.loads(self._ask("PATCH", path, json.dumps(body)) or b"null")

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        headers = self.headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            status, answer = self._once(method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError):  # the server closed what was idle for long
            self.close()
            status, answer = self._once(method, path, body, headers)
        if status not in (200, 201, 202):
            raise RuntimeError(f"{method} {self.address}{path} answered {status}: {answer[:300]!r}")
        return answer

    def _once(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=TIMEOUT)
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
