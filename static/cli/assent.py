#!/usr/bin/env python3
"""assent: ask an Assent server from a pipeline. One file, Python 3.8 or newer, nothing to install.

    assent gate --model churn --version 3 --target Production

Exit codes of `gate`:
    0  allow
    1  deny
    2  the command was called wrongly, or the server refused what was asked
    3  the server cannot be reached, or answers something else than Assent
    4  no token, one that does not hold, or no such version that it may see

A token with the scope “gate” is enough: it may ask this and nothing else.
The token is read from the environment variable ASSENT_TOKEN and never printed; the server from --url or ASSENT_URL.
"""

import argparse
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ALLOW, DENY, USAGE, UNREACHABLE, NOT_AUTHORISED = range(5)
TIMEOUT = 20  # seconds of one question
PAUSE = 10  # seconds between questions while waiting
MAX_ANSWER = 1024 * 1024  # bytes
LOCAL = ("localhost", "127.0.0.1", "::1")


class Failure(Exception):
    """What went wrong, for people, and the exit code for programs."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class SameHostOnly(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only within the server that was named: the token goes nowhere else."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if origin(newurl) != origin(req.full_url):
            raise Failure(UNREACHABLE, "The server redirects to another one, which is not followed. Check the address.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def origin(url):
    """Return scheme, host and port of an address."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def server(url, allow_http=False):
    """Return the server's address without a slash at its end. Raises Failure for one that must not be asked."""
    try:
        parts = urllib.parse.urlsplit(url)
        port_is_a_number = parts.port is None or parts.port > 0
    except ValueError:
        port_is_a_number = False
        parts = urllib.parse.urlsplit("")
    if not (port_is_a_number and parts.scheme in ("http", "https") and parts.hostname):
        raise Failure(USAGE, "Name the server with --url or ASSENT_URL, for example https://assent.example.org.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Failure(USAGE, "The server's address holds no user name, no password and no parameters.")
    if parts.scheme == "http" and parts.hostname not in LOCAL and not allow_http:
        message = "A token is only sent over https. Inside a network that nobody else listens to, say --allow-http."
        raise Failure(USAGE, message)
    return url.rstrip("/")


def ask(address, token, etag=""):
    """Return (answer, ETag); the answer is None when it is the one that had this ETag. Raises Failure."""
    headers = {"Authorization": "Bearer " + token, "Accept": "application/json", "User-Agent": "assent-cli"}
    if etag:
        headers["If-None-Match"] = etag
    secure = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    opener = urllib.request.build_opener(SameHostOnly, secure)
    try:
        question = urllib.request.Request(address, headers=headers)  # noqa: S310 - `server` lets only http(s) pass
        with opener.open(question, timeout=TIMEOUT) as response:
            body = response.read(MAX_ANSWER)
            if response.length:  # what is left of the announced length
                raise Failure(UNREACHABLE, "The server broke off in the middle of its answer.")
            return parsed(body), response.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return None, etag
        raise refused(error) from None
    except (OSError, ValueError) as error:  # URLError is an OSError; a broken answer raises ValueError
        reason = getattr(error, "reason", error)
        raise Failure(UNREACHABLE, f"The server cannot be reached: {reason}") from None
    except Exception as error:  # http.client has a family of its own
        if isinstance(error, Failure):
            raise
        raise Failure(UNREACHABLE, f"The server broke off: {type(error).__name__}") from None


def parsed(body):
    """Return a decision. Raises Failure for anything else."""
    try:
        answer = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or answer.get("decision") not in ("allow", "deny"):
        raise Failure(UNREACHABLE, "The server does not answer as Assent does. Check its address.")
    return answer


def check(answer, options):
    """Raise Failure for the answer to another question."""
    if (answer.get("version"), answer.get("target")) != (options.version, options.target):
        raise Failure(UNREACHABLE, "The server answers another question than the one that was asked.")


def refused(error):
    """Return the Failure that a status stands for, with what the server said of it."""
    if error.code == 401:
        return Failure(NOT_AUTHORISED, "The token is wrong, expired or revoked. Make one with scope gate.")
    if error.code == 403:
        return Failure(NOT_AUTHORISED, "The token may not ask this.")
    if error.code == 404:
        return Failure(NOT_AUTHORISED, "There is no such model version, or the token may not see it.")
    if error.code == 429:
        return Failure(UNREACHABLE, "The server was asked too often. Wait a minute, then ask again.")
    if error.code == 400:
        return Failure(USAGE, f"The server refused the question. {detail(error)}")
    return Failure(UNREACHABLE, f"The server answered with status {error.code}.")


def detail(error):
    """Return what the server says was wrong."""
    try:
        said = json.loads(error.read(MAX_ANSWER).decode("utf-8")).get("detail", "")
    except (ValueError, AttributeError, OSError, RecursionError):
        return ""
    return plain(said)


def plain(text):
    """Return text without what could steer a terminal or a pipeline's log."""
    return "".join(sign if sign.isprintable() else " " for sign in str(text))


def gate(options, out=sys.stdout):
    """Ask until it is allowed or the time is over, and print the answer. Returns the exit code; raises Failure."""
    token = os.environ.get("ASSENT_TOKEN", "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise Failure(NOT_AUTHORISED, "Put a token in the environment variable ASSENT_TOKEN.")
    query = {"model": options.model, "version": options.version, "target": options.target, "accept": options.accept}
    address = server(options.url, options.allow_http) + "/api/v1/gate/?" + urllib.parse.urlencode(query)
    until = time.monotonic() + options.wait
    answer, etag = ask(address, token)
    check(answer, options)
    while answer["decision"] != "allow" and time.monotonic() < until:
        time.sleep(min(PAUSE, max(0.0, until - time.monotonic())))
        changed, etag = ask(address, token, etag)
        answer = changed or answer
        check(answer, options)
    out.write(json.dumps(answer, indent=2) + "\n" if options.json else in_words(answer))
    return ALLOW if answer["decision"] == "allow" else DENY


def in_words(answer):
    """Return a decision as lines: the answer first, then each reason with what to do about it."""
    head = "{}: {} v{} for {}".format(
        answer["decision"].upper(), answer.get("model"), answer.get("version"), answer.get("target")
    )
    lines = [head]
    for reason in answer.get("reasons") or ():
        mark = "warning" if reason.get("severity") == "warning" else "reason"
        lines.append("  {} [{}]: {}".format(mark, reason.get("code"), reason.get("sentence")))
        lines += [f"    {reason[name]}" for name in ("remedy", "url") if reason.get(name)]
    if answer.get("request"):
        lines.append("  request {}, evidence {}".format(answer["request"], answer.get("evidence_digest") or "none"))
    if answer.get("valid_until"):
        lines.append("  valid until {}".format(answer["valid_until"]))
    return "".join(plain(line) + "\n" for line in lines)


def seconds(text):
    """Read a time to wait, 0 to 86400 seconds."""
    value = int(text)
    if not 0 <= value <= 86400:
        raise ValueError(text)
    return value


def parser():
    """Return what the command line may hold. argparse itself ends with code 2."""
    top = argparse.ArgumentParser(prog="assent", description="Ask an Assent server from a pipeline.")
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("gate", help="may this version be used? 0 allow, 1 deny")
    one.add_argument("--model", required=True, help="the model's exact name")
    one.add_argument("--version", required=True, type=int, help="the version's number")
    one.add_argument("--target", required=True, help="a stage or an alias: Production, @champion")
    one.add_argument("--accept", choices=("applied", "approved"), default="applied", help="what is enough")
    one.add_argument("--url", default=os.environ.get("ASSENT_URL", ""), help="the server; else ASSENT_URL")
    one.add_argument("--allow-http", action="store_true", help="ask a server other than this machine without TLS")
    one.add_argument("--wait", type=seconds, default=0, metavar="SECONDS", help="ask again for so long while it denies")
    one.add_argument("--json", action="store_true", help="print the answer as JSON")
    return top


def main(arguments=None):
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        return gate(options)
    except Failure as failure:
        sys.stderr.write(f"assent: {plain(failure)}\n")
        return failure.code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
