"""An OpenID provider on the loopback: discovery, keys, sign-in, token and user info, over real HTTP and really signed.

It plays the browser's part at the provider too: `sign_in` answers the address that Assent sent the browser to with the
address that the provider sends it back to. What it says, and how it misbehaves, a test sets beforehand.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, CLIENT_SECRET = "assent", "known to both"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGERS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class IdentityProvider(ThreadingHTTPServer):
    """The provider and what it was asked. `claims` go into the token over the true ones; None leaves one out."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.key, self.algorithm, self.kid = KEY, "RS256", "one"
        self.config: dict[str, Any] = {}
        self.asked: list[dict[str, str]] = []  # what browsers were sent here with
        self.codes: dict[str, dict[str, str]] = {}
        self.exchanged: list[dict[str, str]] = []

    def sign_in(self, address: str) -> str:
        """Sign in at the provider as a browser that was sent to `address`; return where it is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.asked.append(asked)
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str]) -> str:
        """Return the signed ID token for somebody who came with this question."""
        now = int(time.time())
        true = {"iss": self.url, "sub": "s-1", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        if "max_age" in asked:
            true["auth_time"] = now
        said = {name: value for name, value in {**true, **self.claims}.items() if value is not None}
        key = b"x" * 64 if self.algorithm.startswith("HS") else None if self.algorithm == "none" else self.key
        return jwt.encode(said, key, algorithm=self.algorithm, headers={"kid": self.kid})

    def exchange(self, sent: dict[str, str]) -> dict[str, str] | None:
        """Return the tokens for a code, once, and only with the client's secret and PKCE's verifier."""
        self.exchanged.append(sent)
        asked = self.codes.pop(sent.get("code", ""), None)
        if asked is None or (sent.get("client_id"), sent.get("client_secret")) != (CLIENT, CLIENT_SECRET):
            return None
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return None
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": self.token(asked)}


class _Answers(BaseHTTPRequestHandler):
    server: IdentityProvider

    def do_GET(self) -> None:
        url = self.server.url
        if self.path == "/.well-known/openid-configuration":
            config = {"issuer": url, "authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token",
                      "jwks_uri": f"{url}/keys", "userinfo_endpoint": f"{url}/userinfo",
                      "token_endpoint_auth_methods_supported": ["client_secret_post"]}  # fmt: skip
            self._answer({**config, **self.server.config})
        elif self.path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            self._answer({"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]})
        else:
            self._answer({"sub": "s-1", **self.server.userinfo})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        tokens = self.server.exchange({name: values[0] for name, values in parse_qs(body).items()})
        self._answer(tokens or {"error": "invalid_grant"}, 200 if tokens else 400)

    def _answer(self, content: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Run a provider while a test lasts."""
    server = IdentityProvider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
