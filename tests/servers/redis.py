"""A real Redis for the tests: TEST_REDIS_URL, REDIS_URL, this machine's, or a `redis-server` of the session."""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time

import redis

LOCAL = "redis://127.0.0.1:6379/15"  # a database of its own number: tests may empty it
START_SECONDS = 10.0


def redis_url() -> str | None:
    """Return the URL of a Redis that answers, starting one when none is found; None when there is no `redis-server`.

    The answer is kept in TEST_REDIS_URL, so that the test session's other processes use the same server.
    """
    for url in (os.environ.get("TEST_REDIS_URL"), os.environ.get("REDIS_URL"), LOCAL):
        if url and _answers(url):
            os.environ["TEST_REDIS_URL"] = url
            return url
    program = shutil.which("redis-server")
    if program is None:
        return None
    os.environ["TEST_REDIS_URL"] = _start(program)
    return os.environ["TEST_REDIS_URL"]


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _start(program: str) -> str:
    """Start a server on a free port that keeps nothing on disk; it ends with this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="assent-redis-")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.wait)
    atexit.register(server.terminate)
    url, deadline = f"redis://127.0.0.1:{port}/0", time.monotonic() + START_SECONDS
    while not _answers(url):
        if time.monotonic() > deadline:
            raise TimeoutError("redis-server did not answer")
        time.sleep(0.05)
    return url
