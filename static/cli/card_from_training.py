#!/usr/bin/env python3
"""Fill the model card of a version from the script that trained it. One file, Python 3.8 or newer, nothing to install.

    from card_from_training import fill_card

    fill_card("churn", 3, {
        "intended_use": "Supports the retention team in choosing whom to call first.",
        "limitations": ["Trained on data of May alone."],
        "performance_metrics": [{"name": "accuracy", "slice": "under 25", "value": 0.81}],
    })

The server and a token with the scope “write” are read from ASSENT_URL and ASSENT_TOKEN, or given as `url` and `token`.
What MLflow knows of the version stands in the card by itself. What people wrote in other fields stays as it is; a
person confirms on the page what a script wrote.
"""

import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 30  # seconds of one call
MAX_ANSWER = 4 * 1024 * 1024  # bytes
LOCAL = ("localhost", "127.0.0.1", "::1")


class CardError(Exception):
    """The server refused, or cannot be reached. `status` is that of HTTP, or None; `errors` is {field: sentence}."""

    def __init__(self, message, status=None, errors=None):
        super().__init__(message)
        self.status = status
        self.errors = errors or {}


def fill_card(model, version, fields, url=None, token=None):
    """Put `fields` ({field: value}, None empties one) into the card of a version, and return the card as it is then.

    The card is started if there is none. Where somebody else saved in between, it is read and sent once more; what
    they wrote in other fields stays. Raises CardError.
    """
    address = card_address(url or os.environ.get("ASSENT_URL", ""), model, version)
    token = token or os.environ.get("ASSENT_TOKEN", "")
    card, etag = read_or_start(address, token)
    try:
        return ask("PUT", address, token, merged(card["document"], fields), etag)[0]
    except CardError as error:
        if error.status != 412:
            raise
    card, etag = ask("GET", address, token)
    return ask("PUT", address, token, merged(card["document"], fields), etag)[0]


def card_address(url, model, version):
    """Return the address of a card. Raises CardError for a server to which no token is sent."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise CardError("Name the server with url or ASSENT_URL, for example https://assent.example.org.")
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        raise CardError("A token is only sent over https.")
    name = urllib.parse.quote(model, safe="")
    return "{}/api/v1/models/{}/versions/{}/card/".format(url.rstrip("/"), name, int(version))


def read_or_start(address, token):
    """Return a card and its ETag; one that there is not is started, also where somebody else does in this moment."""
    try:
        return ask("GET", address, token)
    except CardError as error:
        if error.status != 404:
            raise
    try:
        return ask("POST", address, token, {})
    except CardError as error:
        if error.status != 409:
            raise
    return ask("GET", address, token)


def merged(document, fields):
    """Return a document with other values. What a field was settled with before goes with its value."""
    states = {name: state for name, state in document.get("states", {}).items() if name not in fields}
    return {**document, **fields, "states": states}


def ask(method, address, token, body=None, etag=""):
    """Return (card, ETag). Raises CardError with what the server said."""
    headers = {"Authorization": "Bearer " + token.strip(), "Accept": "application/json", "User-Agent": "assent-card"}
    if etag:
        headers["If-Match"] = etag
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = written(body)
    question = urllib.request.Request(address, data=data, headers=headers, method=method)  # noqa: S310 - http(s) alone
    secure = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    try:
        with urllib.request.build_opener(NoRedirects, secure).open(question, timeout=TIMEOUT) as answer:
            return json.loads(answer.read(MAX_ANSWER).decode("utf-8")), answer.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        raise refused(error) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CardError(f"The server cannot be reached, or does not answer as Assent does: {reason}") from None


def written(body):
    """Return JSON. What JSON has no word for, such as a number of numpy, is written as text. Raises CardError."""
    try:
        return json.dumps(body, allow_nan=False, default=str).encode("utf-8")
    except (ValueError, TypeError) as error:
        raise CardError(f"These fields cannot be written as JSON: {error}. Write NaN as text.") from None


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the token goes nowhere but to the server that was named."""

    def redirect_request(self, *_arguments):
        return None


def refused(error):
    """Return the CardError that an answer stands for."""
    try:
        said = json.loads(error.read(MAX_ANSWER).decode("utf-8"))
        faults = {row["field"]: row["message"] for row in said.get("errors", [])}
        return CardError("{} {}".format(error.code, said.get("detail", "")), error.code, faults)
    except (ValueError, AttributeError, KeyError, TypeError, OSError):
        return CardError(f"The server answered with status {error.code}.", error.code)
