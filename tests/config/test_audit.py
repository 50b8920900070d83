"""Known weaknesses of what is locked: found where they can be looked up, and never taken for none where not."""

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.audit import NOT_KNOWN, differences, locked, read

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]
LOCK = """
Some.Package[extra]==1.2 \\
    --hash=sha256:aa
newer==3.0 ; python_full_version >= '3.0' \\
    --hash=sha256:bb
newer==2.0 ; python_full_version < '3.0' \\
    --hash=sha256:cc
"""


def audit(what: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/audit.py", what]
    return subprocess.run(command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, check=False)


@pytest.fixture
def osv() -> Iterator[tuple[str, set[str]]]:
    """A server that answers as OSV does: its address, and of which packages it knows a weakness."""
    weak: set[str] = set()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            named = [query["package"]["name"] for query in queries]
            body = json.dumps({"results": [{"vulns": [{"id": "PYSEC-1"}]} if name in weak else {} for name in named]})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", weak
    server.shutdown()
    server.server_close()


def export(folder: Path, *affected: dict, withdrawn: bool = False) -> Path:
    """OSV's export with one advisory."""
    advisory = {"id": "PYSEC-1", "affected": list(affected)} | ({"withdrawn": "2026-01-01"} if withdrawn else {})
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PYSEC-1.json", json.dumps(advisory))
    return path


def weak(name: str = "some-package", **how: object) -> dict:
    return {"package": {"name": name, "ecosystem": "PyPI"}, **how}


def between(*events: dict[str, str]) -> dict:
    return weak(ranges=[{"type": "ECOSYSTEM", "events": list(events)}])


def test_a_lock_is_read_with_every_version_or_with_those_of_this_machine():
    assert locked(LOCK) == [("newer", "2.0"), ("newer", "3.0"), ("some-package", "1.2")]
    assert locked(LOCK, here=True) == [("newer", "3.0"), ("some-package", "1.2")]


def test_every_package_of_our_lock_is_read():
    text = (ROOT / "requirements-dev.txt").read_text()
    assert len(locked(text)) == sum(line[:1].isalnum() for line in text.splitlines())


def test_what_is_missing_other_or_too_much_is_named():
    assert differences({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}) == [
        "b: locked 1, installed 2",
        "c: locked 1, installed not at all",
        "d: locked not at all, installed 1",
    ]


def test_what_is_installed_is_what_is_locked():
    ended = audit("installed")
    assert (ended.returncode, ended.stdout.endswith("packages, as locked\n")) == (0, True)


@pytest.mark.parametrize(
    ("affected", "found"),
    [
        (weak(versions=["1.1", "1.2"]), True),
        (weak(versions=["1.1"]), False),
        (weak("other", versions=["1.2"]), False),
        (between({"introduced": "0"}, {"fixed": "1.3"}), True),
        (between({"introduced": "0"}, {"fixed": "1.2"}), False),
        (between({"introduced": "1.0"}, {"last_affected": "1.2"}), True),
        (between({"introduced": "1.3"}), False),
        (between({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "1.2"}, {"fixed": "2"}), True),
        (between({"introduced": "what is this"}), True),
    ],
)
def test_the_export_tells_which_versions_are_weak(tmp_path, affected, found):
    assert read([("some-package", "1.2")], export(tmp_path, affected)) == (
        [(("some-package", "1.2"), "PYSEC-1")] if found else []
    )


def test_an_advisory_that_was_withdrawn_says_nothing(tmp_path):
    assert read([("some-package", "1.2")], export(tmp_path, weak(versions=["1.2"]), withdrawn=True)) == []


def test_a_weakness_that_the_server_knows_fails_and_is_named(osv):
    address, known = osv
    assert audit("weaknesses", OSV_ADDRESS=address).returncode == 0
    known.add("django")
    ended = audit("weaknesses", OSV_ADDRESS=address)
    assert (ended.returncode, ended.stdout.startswith("django 5."), "PYSEC-1" in ended.stdout) == (1, True, True)


@pytest.mark.parametrize("env", [{"OSV_ADDRESS": "http://127.0.0.1:9"}, {"OSV_DATABASE": "/nowhere/all.zip"}])
def test_where_nobody_can_be_asked_nothing_is_known(env):
    ended = audit("weaknesses", **env)
    assert (ended.returncode, "could not be asked" in ended.stdout) == (NOT_KNOWN, True)


def test_a_file_that_is_no_export_says_nothing(tmp_path):
    (tmp_path / "all.zip").write_text("<html>")
    assert audit("weaknesses", OSV_DATABASE=str(tmp_path / "all.zip")).returncode == NOT_KNOWN
