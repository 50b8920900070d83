"""Files of any size pass in both directions byte by byte, through Assent under gunicorn as it is shipped."""

import hashlib
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest
import requests

from tests.gateway.serving import Served, served

pytestmark = [pytest.mark.mlflow, pytest.mark.once]
MIB = 2**20
BODY = random.Random(7).randbytes(5 * MIB + 3)
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(scope="module")
def assent(tmp_path_factory, mlflow_server) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("assent"), mlflow_server) as running:
        yield running


@pytest.fixture(scope="module")
def stored(assent) -> str:
    """The path of a file that came through the door."""
    assert assent.send("PUT", assent.file("model/weights.bin"), content=BODY).status_code == 200
    return assent.file("model/weights.bin")


def eventually(holds: Callable[[], object]) -> bool:
    """Wait for what another process does a moment later."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


def begun(assent: Served, head: str, body: bytes, *, who: str = "alice") -> socket.socket:
    """Send the head of a request and so much of its body, and leave it there."""
    connection = socket.create_connection(assent.netloc, timeout=30)
    connection.sendall(f"{head}\r\nHost: x\r\nAuthorization: Bearer {assent.tokens[who]}\r\n".encode() + body)
    return connection


def reset(connection: socket.socket) -> None:
    """Close it as a process that is killed does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_file_comes_back_as_it_went_up_and_its_digest_is_kept(assent, stored):
    assert assent.send("GET", stored).content == BODY
    assert assent.behind("model/weights.bin").content == BODY
    assert assent.digests("model/weights.bin") == [(SHA, len(BODY), "alice")]


def test_a_file_in_chunks_is_the_same_file(assent):
    pieces = (BODY[start : start + 70_001] for start in range(0, len(BODY), 70_001))
    assert assent.send("PUT", assent.file("chunked.bin"), content=pieces).status_code == 200
    assert assent.behind("chunked.bin").content == BODY
    assert assent.digests("chunked.bin") == [(SHA, len(BODY), "alice")]


def test_an_empty_file_is_a_file(assent):
    assert assent.send("PUT", assent.file("empty"), content=b"").status_code == 200
    assert assent.send("GET", assent.file("empty")).content == b""
    assert assent.digests("empty") == [(hashlib.sha256(b"").hexdigest(), 0, "alice")]


def test_a_file_that_waits_for_100_continue_is_taken(assent):
    head = f"PUT {assent.file('expected')} HTTP/1.1"
    with begun(assent, head, b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(b"1234")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_a_second_upload_replaces_the_digest_and_a_deletion_ends_it(assent):
    for content in (b"one", b"two"):
        assent.send("PUT", assent.file("folder/changing"), content=content)
    assert assent.digests("folder/changing") == [(hashlib.sha256(b"two").hexdigest(), 3, "alice")]
    assert assent.send("DELETE", assent.file("folder")).status_code == 200
    assert assent.digests("folder/changing") == []


def test_what_mlflow_refuses_leaves_no_digest(assent, stored):
    refused = assent.send("PUT", assent.file("model/weights.bin/below"), content=b"x")
    assert refused.status_code >= 400
    assert assent.digests("model/weights.bin/below") == []


def test_a_range_is_answered_with_that_range(assent, stored):
    part = assent.send("GET", stored, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, BODY[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(BODY)}"


def test_a_client_that_has_the_file_is_told_so(assent, stored):
    address = f"/get-artifact?run_id={assent.run.split('/')[1]}&path=model/weights.bin"
    first = assent.send("GET", address)
    again = assent.send("GET", address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


def test_head_tells_the_size_and_sends_nothing(assent, stored):
    answer = assent.send("HEAD", stored)
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, str(len(BODY)), b"")


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_an_upload_that_breaks_off_leaves_no_file_and_no_digest(assent, framing):
    path = f"broken/{framing}"
    head = f"PUT {assent.file(path)} HTTP/1.1"
    sent = b"Content-Length: 1000000\r\n\r\n" + b"x" * 500_000
    if framing == "chunks":
        sent = b"Transfer-Encoding: chunked\r\n\r\n" + b"7a120\r\n" + b"x" * 500_000 + b"\r\n"
    connection = begun(assent, head, sent)
    assert eventually(lambda: assent.digests(path))  # it is on its way
    reset(connection)
    assert eventually(lambda: not assent.digests(path))
    assert assent.behind(path).status_code == 404


def test_an_upload_that_breaks_off_leaves_the_file_as_it_was(assent):
    assent.send("PUT", assent.file("kept"), content=b"whole")
    connection = begun(assent, f"PUT {assent.file('kept')} HTTP/1.1", b"Content-Length: 99\r\n\r\nhalf")
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
    connection.close()
    assert assent.behind("kept").content == b"whole"
    assert assent.digests("kept") == []  # not known any more, rather than wrong


def test_downloads_that_break_off_leave_no_connection_behind(assent, stored):
    for _turn in range(80):  # more than the door keeps to MLflow
        reset(begun(assent, f"GET {stored} HTTP/1.1", b"\r\n"))
    assert assent.send("GET", stored).content == BODY


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_that_is_refused_before_it_is_read_tells_the_client_why(assent, chunked):
    content = iter([b"x" * MIB] * 64) if chunked else b"x" * 64 * MIB
    headers = {"Authorization": f"Bearer {assent.tokens['mallory']}"}
    answer = requests.put(f"{assent.url}{assent.file('refused')}", data=content, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_a_small_upload_that_is_refused_leaves_the_connection_in_use(assent, stored):
    with httpx.Client(base_url=assent.url, trust_env=False, timeout=60) as http:
        for who, status in (("mallory", 403), ("alice", 200)):
            answer = http.put(
                assent.file("small"), content=b"x" * 1000, headers={"Authorization": f"Bearer {assent.tokens[who]}"}
            )
            assert answer.status_code == status


def test_memory_does_not_grow_with_the_file(assent):
    before = assent.memory()
    assert assent.send("PUT", assent.file("large"), content=(b"x" * MIB for _ in range(256))).status_code == 200
    digest = hashlib.sha256()
    headers = {"Authorization": f"Bearer {assent.tokens['alice']}"}
    with httpx.stream("GET", f"{assent.url}{assent.file('large')}", headers=headers, trust_env=False) as answer:
        for piece in answer.iter_raw():
            digest.update(piece)
    assert assent.digests("large") == [(digest.hexdigest(), 256 * MIB, "alice")]
    assert assent.memory() - before < 50
    with suppress(httpx.HTTPError):
        assent.send("DELETE", assent.file("large"))


def test_cheap_calls_are_answered_while_all_places_for_large_files_are_taken(assent):
    sent, names = b"Content-Length: 9000000\r\n\r\nx", [f"slow/{number}" for number in range(6)]
    slow = [begun(assent, f"PUT {assent.file(name)} HTTP/1.1", sent) for name in names]
    try:
        assert eventually(lambda: all(map(assent.digests, names)))  # all of them are on their way
        assert assent.send("PUT", assent.file("seventh"), content=BODY).status_code == 503
        answer = assent.send("GET", "/api/2.0/mlflow/experiments/get", params={"experiment_id": "0"})
        assert answer.status_code == 200
    finally:
        for connection in slow:
            reset(connection)
    assert eventually(lambda: assent.send("PUT", assent.file("seventh"), content=BODY).status_code == 200)
