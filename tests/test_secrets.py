"""What must stay unknown: secrets after they were entered, and whether somebody has an account."""

import json
import logging

import pytest
from django.apps import apps
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client

from apps.accounts import services
from apps.accounts.models import ApiToken, User
from apps.audit.models import AuditEvent
from tests.attacks.doors import ask, doors, text_of
from tests.builders import make_model, make_version
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.once]
CANARY = "canary-7Qm2-value"
OTHER = f"another-{CANARY}"
CONNECTION = {"name": "eu", "url": "https://127.0.0.1:9/", "auth": "token", "secret": CANARY, "timeout_seconds": 1}
ENTERED = {  # whatever takes a secret, well and badly: address → what is sent
    ("/api/v1/connections/", "POST", "well"): CONNECTION,
    ("/api/v1/connections/", "POST", "twice"): CONNECTION,
    ("/api/v1/connections/", "POST", "badly"): CONNECTION | {"url": "nowhere", "name": "us"},
    ("/api/v1/connections/", "POST", "elsewhere"): CONNECTION | {"secret": [CANARY], "password": CANARY},
    ("/api/v1/connections/eu/", "PATCH", "well"): {"secret": f"{CANARY}-2", "url": "https://127.0.0.1:8/"},
    ("/api/v1/connections/eu/test/", "POST", "well"): {},
    ("/connections/new/", "POST", "badly"): CONNECTION | {"url": "nowhere", "name": "us"},
    ("/people/", "POST", "well"): {"do": "new_person", "username": "dora", "password": CANARY},
    ("/people/", "POST", "badly"): {"do": "new_person", "username": "", "password": CANARY},
    ("/sign-in/", "POST", "badly"): {"username": "admin", "password": CANARY},
    ("/api/v1/requests/1/bypass/", "POST", "badly"): {"password": CANARY, "reason": "x", "evidence_digest": "0" * 64},
    ("/account/security/password/", "POST", "badly"): {"present": CANARY, "new": f"{CANARY}-2", "repeated": CANARY},
    ("/account/security/password/", "POST", "wrong"): {"present": CANARY} | dict.fromkeys(["new", "repeated"], OTHER),
    ("/account/security/password/", "POST", "well"): {"present": PASSWORD} | dict.fromkeys(["new", "repeated"], CANARY),
}  # fmt: skip
OFFERED = ("wrong", "unknown", "inactive", "without a password")


def everything_kept() -> str:
    """Return all rows of all tables of ours as text."""
    rows = [row for model in apps.get_models() for row in model._base_manager.values_list()]
    return json.dumps(rows, default=str)


def read_everything(client: Client) -> dict[str, str]:
    """Return what every address answers to this person."""
    ids = {"connections": ["eu", "default"], "events": list(AuditEvent.objects.values_list("pk", flat=True))}
    paths = [path for door in doors() for path in door.paths(ids)]
    return {path: text_of(client.get(path)) for path in paths}


def test_a_secret_that_was_entered_comes_out_nowhere(admin, caplog):
    caplog.set_level(logging.DEBUG)
    make_version(make_model("churn-classifier"), 2)
    client = Client()
    client.force_login(admin)
    told = {}
    for (path, method, how), data in ENTERED.items():
        sender = Client() if path == "/sign-in/" else client
        told[path, how] = ask(sender, method, path, data).content.decode()
    told |= read_everything(client) | {"log": caplog.text, "tables": everything_kept()}
    assert [place for place, text in told.items() if CANARY in text] == []
    taken_in = [User.objects.get(username=name).check_password(CANARY) for name in ("dora", "admin")]
    assert taken_in == [True, True]  # all the same


@pytest.mark.parametrize(
    ("path", "data", "name"),
    [
        ("/account/", {"name": "laptop", "scope": "write", "days": 30}, "token"),
        ("/api/v1/webhooks/", {"name": "chat", "url": "https://hooks.example.org/"}, "webhook"),
    ],
)
def test_a_secret_that_is_made_here_is_shown_once_and_comes_out_nowhere_else(admin, caplog, path, data, name):
    caplog.set_level(logging.DEBUG)
    client = Client()
    client.force_login(admin)
    answer = ask(client, "POST", path, data)
    secret = answer.json()["secret"] if name == "webhook" else answer.context["made"].text
    kept = {"log": caplog.text, "tables": everything_kept()} | read_everything(client)
    assert (secret in text_of(answer), [place for place, text in kept.items() if secret in text]) == (True, [])
    assert answer.headers.get("Cache-Control", "").find("no-store") >= 0


def test_a_defect_tells_nothing_of_the_inside(admin, caplog, monkeypatch):
    def break_down(*args: object, **more: object) -> None:
        raise RuntimeError(f"SELECT {CANARY} FROM inside")

    monkeypatch.setattr("apps.accounts.queries.own_roles", break_down)
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    answers = [client.get(path) for path in ("/account/", "/api/v1/me/")]
    words = (CANARY, "Traceback", "RuntimeError", "own_roles", "site-packages", str(connection.settings_dict["NAME"]))
    found = [word for answer in answers for word in words if word in answer.content.decode()]
    assert (500 in [answer.status_code for answer in answers], found) == (True, [])


@pytest.mark.parametrize("who", OFFERED)
def test_sign_in_takes_one_hash_and_one_sentence_whoever_it_is(who, alice, monkeypatch):
    hashed = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(salt)
        return encode(self, password, salt)

    User.objects.filter(pk=alice.pk).update(is_active=who != "inactive")
    if who == "without a password":
        alice.set_unusable_password()
        alice.save()
    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    name = "nobody" if who == "unknown" else "alice"
    password = "correct horse battery staple" if who == "inactive" else "a guess of somebody"
    answer = Client().post("/sign-in/", {"username": name, "password": password})
    sentence = "User name and password do not match." in answer.content.decode()
    assert (answer.status_code, sentence, len(hashed)) == (200, True, 1)


def test_a_token_that_is_unknown_revoked_or_expired_gets_the_same_answer(alice):
    made = [services.create_token(name, by=alice) for name in ("revoked", "expired", "wrong")]
    services.revoke_token(made[0].token.prefix, by=alice)
    ApiToken.objects.filter(pk=made[1].token.pk).update(expires_at="2020-01-01T00:00:00Z")
    texts = [made[0].text, made[1].text, made[2].text[:-1] + "x", "assent_0000_x", ""]
    answers = [Client().get("/api/v1/me/", headers={"authorization": f"Bearer {text}"}) for text in texts]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
