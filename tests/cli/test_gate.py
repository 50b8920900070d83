"""The command-line tool as a pipeline runs it: a process of its own, against a server that really listens."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.accounts.tokens import create_token
from apps.approvals import services
from apps.approvals.models import ApprovalRequest, RequestState
from apps.registry.models import ModelVersion, SyncRun, SyncState
from tests.builders import make_model, make_policy, make_version
from tests.servers.broken import Reply, broken_server
from tests.servers.certificates import server_and_client

TOOL = Path(settings.BASE_DIR) / "static" / "cli" / "assent.py"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
GATE = ("gate", "--model", "churn", "--version", "2", "--target", "Production")


def run(url: str, token: str = "", *more: str, arguments: tuple[str, ...] = GATE) -> subprocess.CompletedProcess[str]:
    """Run the tool and wait for its end. Nothing of this process's environment reaches it but the path."""
    environment = {"PATH": os.environ["PATH"], "ASSENT_URL": url, "ASSENT_TOKEN": token}
    command = [sys.executable, "-I", str(TOOL), *arguments, *more]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def asked(alice, erin) -> ApprovalRequest:
    """Alice's open request for version 2, and a mirror that was read just now."""
    model = make_model()
    make_version(model, 1, stage="Production")
    make_version(model, 2)
    make_policy()
    SyncRun.objects.create(state=SyncState.DONE, finished_at=timezone.now(), requested_by="beat")
    version = ModelVersion.objects.get(number=2)
    return services.open_request(version.pk, "Production", reason="Better.", by=alice)


def apply(request: ApprovalRequest) -> None:
    """Leave what an apply leaves."""
    ModelVersion.objects.filter(pk=request.version_id).update(stage="Production")
    ApprovalRequest.objects.filter(pk=request.pk).update(state=RequestState.APPLIED, closed_at=timezone.now())


@pytest.fixture
def token(charlie) -> str:
    return create_token("ci", by=charlie).text


def test_deny_is_1_and_says_what_to_do(asked, token, live_server):
    done = run(live_server.url, token)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, lines[0]) == (1, "", "DENY: churn v2 for Production")
    assert lines[1:4] == [
        f"  reason [not_applied]: Request {asked.pk} for Production is not applied. It stands at: Waiting for review.",
        "    See what it waits for.",
        f"    {live_server.url}/requests/{asked.pk}/",
    ]


def test_allow_is_0_and_names_the_evidence(asked, token, live_server):
    apply(asked)
    done = run(live_server.url, token)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        ["ALLOW: churn v2 for Production", f"  request {asked.pk}, evidence {asked.evidence_digest}"],
    )


def test_json_is_the_answer_of_the_api(asked, token, live_server):
    done = run(live_server.url, token, "--json")
    asked_api = httpx.get(
        f"{live_server.url}/api/v1/gate/?model=churn&version=2&target=Production",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (done.returncode, json.loads(done.stdout)) == (1, asked_api.json())


def test_waiting_ends_when_it_is_allowed(asked, token, live_server):
    later = threading.Timer(1, _and_hang_up, [asked])
    later.start()
    began = time.monotonic()
    done = run(live_server.url, token, "--wait", "30")
    later.join()
    assert (done.returncode, time.monotonic() - began < 30) == (0, True)


def _and_hang_up(request: ApprovalRequest) -> None:
    """Apply in a thread of its own, which leaves no connection behind."""
    try:
        apply(request)
    finally:
        connection.close()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("gate",),
        ("gate", "--model", "churn", "--version", "two", "--target", "Production"),
        (*GATE, "--wait", "-1"),
        (*GATE, "--accept", "everything"),
        ("gate", "--model", "churn", "--version", "2", "--target", "production"),
        (*GATE, "--url", "assent.example.org"),
        (*GATE, "--url", "http://assent.example.org"),
        (*GATE, "--url", "https://me:secret@assent.example.org"),
        (*GATE, "--url", "https://assent.example.org:x"),
    ],
)
def test_wrong_call_is_2(asked, token, live_server, arguments):
    done = run(live_server.url, token, arguments=arguments)
    assert (done.returncode, done.stdout, token in done.stderr) == (2, "", False)


@pytest.mark.parametrize("wrong", ["", "assent_nobody_nothing", "with\nline", "ünknown"])
def test_token_that_does_not_hold_is_4(asked, live_server, wrong):
    done = run(live_server.url, wrong)
    assert (done.returncode, done.stdout) == (4, "")


def test_hidden_model_and_one_that_is_not_there_are_both_4(asked, mallory, token, live_server):
    hidden = run(live_server.url, create_token("ci", by=mallory).text)
    absent = run(live_server.url, token, arguments=("gate", "--model", "x", "--version", "1", "--target", "Staging"))
    assert (hidden.returncode, absent.returncode, hidden.stderr == absent.stderr) == (4, 4, True)


ODD = {
    "a page": Reply(b"<html>Welcome</html>", content_type="text/html"),
    "another JSON": Reply(b'{"decision": "maybe"}'),
    "the answer to another question": Reply(b'{"decision": "allow", "version": 7, "target": "Production"}'),
    "a list": Reply(b"[]"),
    "nothing": Reply(b""),
    "half an answer": Reply(b'{"decision": "allow", "version": 2, "target": "Production"}', length=500),
    "an error": Reply(b"{}", status=500),
    "too many calls": Reply(b"{}", status=429),
    "a redirect elsewhere": Reply(b"", status=302, headers={"Location": "http://127.0.0.2:9/api/v1/gate/"}),
    "a redirect to a file": Reply(b"", status=302, headers={"Location": "file:///etc/passwd"}),
}


@pytest.mark.parametrize("answer", ODD)
def test_unexpected_answer_is_3(answer):
    with broken_server() as server:
        server.decide = lambda path, query: ODD[answer]
        done = run(server.url, "assent_secret")
    assert (done.returncode, done.stdout, "assent_secret" in done.stderr) == (3, "", False)


def test_server_that_is_not_there_is_3():
    assert run("http://127.0.0.1:9", "assent_secret").returncode == 3


def test_certificate_that_nobody_vouches_for_is_3():
    with broken_server(server_and_client("127.0.0.1")[0]) as server:
        done = run(server.url.replace("http://", "https://"), "assent_secret")
    assert (done.returncode, "certificate" in done.stderr) == (3, True)


def test_signs_that_steer_a_terminal_are_not_printed():
    said = {"decision": "deny", "model": "a\x1b[2Jb", "version": 2, "target": "Production"}
    said["reasons"] = [{"sentence": "x\ny"}]
    with broken_server() as server:
        server.decide = lambda path, query: Reply.json(said)
        done = run(server.url, "t")
    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        ["DENY: a [2Jb v2 for Production", "  reason [None]: x y"],
    )


def test_tool_is_downloaded_from_the_server(live_server):
    assert httpx.get(f"{live_server.url}/static/cli/assent.py").content == TOOL.read_bytes()
