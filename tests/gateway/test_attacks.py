"""Attempts to get around the door: each is refused or finds nothing, and MLflow is afterwards as it was."""

import http.client
import json
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from django.utils import timezone

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import DATA_SCIENTIST
from apps.accounts.tokens import revoke_token
from apps.approvals import services
from apps.approvals.models import UNFINISHED, ApprovalRequest
from apps.registry import services as mirror
from apps.registry.models import DEFAULT_CONNECTION, ArtifactDigest, ModelVersion, RegisteredModel
from tests.conftest import PASSWORD, member
from tests.gateway.attacks import moves, reads, world

pytestmark = pytest.mark.mlflow
TRACES = ("fraud", world.SECRET, "accuracy")


@pytest.fixture
def target(door, mlflow_registry, send, alice, erin) -> world.World:
    """MLflow and the mirror, filled."""
    return world.build(mlflow_registry, send, alice, erin)


@pytest.fixture
def attempt(door, token_of) -> Callable[..., str]:
    """Send bytes as they are and return status and code: no client library mends them."""
    tokens: dict[int, str] = {}

    def tried(who: User | None, method: str, path: str, sent: dict[str, Any]) -> str:
        if who and who.pk not in tokens:
            tokens[who.pk] = token_of(who)
        headers = {"Authorization": f"Bearer {tokens[who.pk]}"} if who else {}
        return told(*raw(door, method, path, headers, sent))

    return tried


def raw(door: str, method: str, path: str, headers: dict[str, str], sent: dict[str, Any]) -> tuple[int, bytes]:
    """Send a request whose path nobody normalises, and return status and body."""
    sent = dict(sent)
    body = json.dumps(sent.pop("json")) if "json" in sent else sent.pop("body", "")
    content = body.encode() if isinstance(body, str) else body
    headers |= {"Content-Type": sent.pop("type", "application/json")}
    if "length" not in sent:
        headers |= {"Content-Length": str(len(content))}
    sent.pop("length", None)
    connection = http.client.HTTPConnection(urlsplit(door).netloc, timeout=60)
    connection.putrequest(method, path)
    for name, value in (headers | sent).items():
        connection.putheader(name, value)
    connection.endheaders(content)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def told(status: int, body: bytes) -> str:
    """Return an answer as the tables write it."""
    if status == 200:
        return reads.NOTHING if not any(word.encode() in body for word in TRACES) else f"200 {body[:200]!r}"
    try:
        return f"{status} {json.loads(body)['error_code']}"
    except (ValueError, KeyError):
        return str(status)


MOVES = (moves.spellings, moves.names, moves.evidence, moves.paths, moves.sources)
READS = (reads.registry, reads.experiments, reads.runs, reads.traces)


def surprises(attempt: Callable[..., str], who: User, target: world.World, tables: tuple) -> dict[str, str]:
    """Make every attempt of some tables; return those that were answered otherwise than their row says."""
    table = {f"{make.__name__}: {name}": tried for make in tables for name, tried in make(target).items()}
    found = {name: attempt(who, method, path, sent) for name, (method, path, sent, _said) in table.items()}
    return {name: f"{found[name]}, not {row[3]}" for name, row in table.items() if found[name] != row[3]}


def test_nothing_that_is_governed_changes_without_a_decision(target, attempt, admin):
    before = target.state()
    assert surprises(attempt, admin, target, MOVES) == {}
    assert target.state() == before


def test_what_somebody_may_not_see_is_neither_read_nor_written(target, attempt):
    before = target.state()
    assert surprises(attempt, target.dora, target, READS) == {}
    assert target.state() == before


def replaced(text: str, others: dict[str, str]) -> str:
    """Return a text with other names in place of some."""
    for name, other in others.items():
        text = text.replace(name, other)
    return text


@pytest.mark.parametrize("who", ["mallory", "dora"])
def test_what_is_hidden_is_answered_as_what_is_not_there(target, door, token_of, mallory, who):
    headers = {"Authorization": f"Bearer {token_of(mallory if who == 'mallory' else target.dora)}"}
    told_apart = {}
    for name, (method, path, sent, _said) in ((name, row) for make in READS for name, row in make(target).items()):
        none = uuid4().hex
        absent = {"fraud": none, target.run: none, target.logged: f"m-{none}", target.trace: f"tr-{none}"}
        of_nothing = sent if "body" in sent else json.loads(replaced(json.dumps(sent), absent))
        status, body = raw(door, method, path, dict(headers), sent)
        other_status, other_body = raw(door, method, replaced(path, absent), dict(headers), of_nothing)
        if other_status == 200:
            continue  # what is not there can be made
        if (status, replaced(body.decode(), absent)) != (other_status, other_body.decode()):
            told_apart[name] = (status, body, other_status, other_body)
    assert told_apart == {}


def test_a_token_opens_what_it_is_for_and_nothing_else(target, door, token_of, alice):
    bill, gone = (member(name, DATA_SCIENTIST) for name in ("bill", "gone"))
    robot = User.objects.create_user("robot", is_service=True)
    robot.groups.set(alice.groups.all())
    texts = {
        "unknown": "assent_aaaaaaaaaaaa_bbbbbbbb",
        "no token": "x",
        "of somebody who left": token_of(gone),
        "revoked": token_of(bill),
        "expired": token_of(bill),
        "for the gate": token_of(alice, "gate"),
        "to read": token_of(alice, "read"),
        "to register": token_of(alice, "register"),
        "for another model": token_of(alice, "write", models=["own"]),
        "of a machine": token_of(robot, "write"),
    }
    User.objects.filter(pk=gone.pk).update(is_active=False)
    revoke_token(texts["revoked"].split("_")[1], by=bill)
    ApiToken.objects.filter(prefix=texts["expired"].split("_")[1]).update(expires_at=timezone.now())
    version = {"name": "fraud", "version": "4"}
    asked = (
        ("GET", f"{world.API}registered-models/get?name=fraud", {}),
        ("GET", f"{world.API}runs/get?run_id={target.run}", {}),
        ("POST", f"{world.API}experiments/search", {"json": {"max_results": 1}}),
        ("PATCH", f"{world.API}model-versions/update", {"json": version | {"description": "x"}}),
        ("POST", moves.STAGE, {"json": version | {"stage": "Staging"}}),
    )

    def tried(text: str) -> list[int]:
        headers = {"Authorization": f"Bearer {text}"}
        return [raw(door, method, path, dict(headers), sent)[0] for method, path, sent in asked]

    no, all_but_moves = [401] * 5, [200, 200, 200, 200, 403]
    assert {name: tried(text) for name, text in texts.items()} == {
        "unknown": no, "no token": no, "of somebody who left": no, "revoked": no, "expired": no,
        "for the gate": [403] * 5, "to read": [200, 200, 200, 403, 403], "to register": all_but_moves,
        "for another model": [404, 404, 200, 404, 404], "of a machine": all_but_moves,
    }  # fmt: skip
    assert ApprovalRequest.objects.get(version__number=4).requester == robot


def test_a_session_of_the_pages_is_no_key_to_the_door(target, door, client, admin):
    client.force_login(admin)
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    password = b64encode(b"admin:" + PASSWORD.encode()).decode()
    for headers in ({"Cookie": cookie}, {"Authorization": f"Basic {password}"}, {"X-Remote-User": "admin"}):
        answer = raw(door, "GET", f"{world.API}registered-models/get?name=fraud", headers, {})
        assert told(*answer) == "401 UNAUTHENTICATED"


def test_files_cannot_be_reached_through_a_copy_of_the_version(target, send, mlflow_registry, alice, admin):
    """own v1 is of a logged model, fraud v5 a copy of own v1 and asked for: the files are those of fraud v5 now."""
    made = {"name": "own", "source": f"models:/{target.own_logged}", "model_id": target.own_logged}
    assert send(admin, "POST", f"{world.API}model-versions/create", json=made).status_code == 200
    copy = send(admin, "POST", f"{world.API}model-versions/create", json={"name": "fraud", "source": "models:/own/1"})
    number = copy.json()["model_version"]["version"]
    send(alice, "POST", moves.STAGE, json={"name": "fraud", "version": number, "stage": "Staging"})
    file = f"{world.FILES}{target.own}/models/{target.own_logged}/artifacts/MLmodel"
    tried = {
        "write": send(target.dora, "PUT", file, content=b"bad"),
        "delete": send(target.dora, "DELETE", f"{world.API}logged-models/{target.own_logged}"),
        "rename": send(admin, "POST", f"{world.API}registered-models/rename", json={"name": "own", "new_name": "new"}),
    }
    assert {name: answer.status_code for name, answer in tried.items()} == {"write": 403, "delete": 403, "rename": 403}
    assert target.content(file.removeprefix(world.FILES)) == world.SECRET


def test_a_model_deleted_and_made_again_is_another_one(target, send, mlflow_registry, admin):
    """Nothing that was decided about the old one counts for the new one, nor does its stage."""
    name = {"name": "own"}
    made = name | {"source": f"runs:/{target.own_run}/m", "run_id": target.own_run}
    assert send(target.dora, "POST", f"{world.API}model-versions/create", json=made).status_code == 200
    old = RegisteredModel.objects.get(name="own", deleted_at=None)
    assert send(admin, "DELETE", f"{world.API}registered-models/delete", json=name).status_code == 200
    assert send(admin, "POST", f"{world.API}registered-models/create", json=name).status_code == 200
    new = RegisteredModel.objects.get(name="own", deleted_at=None)
    assert (new.pk != old.pk, new.versions.count()) == (True, 0)
    assert send(target.dora, "GET", f"{world.API}registered-models/get", params=name).status_code == 404


def test_a_run_that_was_deleted_behind_assents_back_stays_bound(target, send, mlflow_registry, admin):
    mlflow_registry.call("POST", "runs/delete", run_id=target.run)
    assert send(admin, "POST", f"{world.API}runs/restore", json={"run_id": target.run}).status_code == 200
    assert send(admin, "POST", f"{world.API}runs/delete", json={"run_id": target.run}).status_code == 403


def test_a_version_is_deleted_or_asked_for_and_never_both(target, send, mlflow_registry, alice, admin):
    """At the same moment, again and again: whoever comes second is refused."""
    numbers = [mlflow_registry.bare_version("own") for _ in range(6)]
    mirror.mirror_now(DEFAULT_CONNECTION, ["own"])
    for number in numbers:
        named = {"name": "own", "version": str(number)}
        with ThreadPoolExecutor(2) as pool:
            asked = pool.submit(send, alice, "POST", moves.STAGE, json=named | {"stage": "Staging"})
            deleted = pool.submit(send, admin, "DELETE", f"{world.API}model-versions/delete", json=named)
        row = ModelVersion.objects.get(model__name="own", number=number)
        opened = ApprovalRequest.objects.filter(version=row, state__in=UNFINISHED).exists()
        assert {"opened": opened, "deleted": deleted.result().status_code == 200} in (
            {"opened": True, "deleted": False},
            {"opened": False, "deleted": True},
        ), (asked.result().text, deleted.result().text)


def test_a_file_on_its_way_when_a_request_is_opened_is_not_stored(target, door, send, token_of, mlflow_registry, admin):
    made = {"name": "own", "source": f"models:/{target.own_logged}", "model_id": target.own_logged}
    assert send(admin, "POST", f"{world.API}model-versions/create", json=made).status_code == 200
    path = f"{world.FILES}{target.own}/models/{target.own_logged}/artifacts/late.txt"
    connection = http.client.HTTPConnection(urlsplit(door).netloc, timeout=60)
    connection.putrequest("PUT", path)
    for name, value in (("Authorization", f"Bearer {token_of(target.dora)}"), ("Content-Length", "10")):
        connection.putheader(name, value)
    connection.endheaders(b"first")
    deadline = time.monotonic() + 30
    while not ArtifactDigest.objects.filter(path="late.txt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)  # until it is on its way
    services.open_request(ModelVersion.objects.get(model__name="own").pk, "Staging", reason="Better.", by=admin)
    connection.send(b"last.")
    answer = connection.getresponse()
    assert told(answer.status, answer.read()) == "403 PERMISSION_DENIED"
    connection.close()
    assert httpx.get(f"{mlflow_registry.url}{path}", trust_env=False, timeout=60).status_code == 404
    assert not ArtifactDigest.objects.filter(path="late.txt").exists()
