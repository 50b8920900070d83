import base64
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.accounts.models import ApiToken
from apps.accounts.services import create_token
from apps.audit.actions import Action, Outcome, Source
from apps.audit.models import AuditEvent

ME = "/api/v1/me/"


def bearer(text: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {text}"})


def basic(text: str) -> Client:
    return Client(headers={"Authorization": "Basic " + base64.b64encode(f"anyone:{text}".encode()).decode()})


@pytest.mark.parametrize("client_with", [bearer, basic])
def test_token_acts_for_its_person(bob, client_with):
    body = client_with(create_token("laptop", by=bob).text).get(ME).json()
    assert body == {
        "username": "bob",
        "name": "Bob",
        "roles": ["ml_engineer", "reviewer"],
        "permissions": ["model:deploy", "model:read", "model:review", "model:write"],
    }


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "bearer assent_a_b", "Basic !!", "Basic w6k=", "Bearer é"])
def test_bad_token_is_refused_even_beside_a_session(alice, client, header):
    client.force_login(alice)
    answer = client.get(ME, headers={"Authorization": header})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="Assent"')
    assert answer.json()["code"] == "authentication_failed"


def test_nobody_is_asked_for_a_token(db, client):
    answer = client.get(ME)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_session_is_enough_to_read(alice, client):
    client.force_login(alice)
    assert client.get(ME).json()["username"] == "alice"


def test_session_without_the_forgery_token_writes_nothing(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(ME).status_code == 403


def test_read_token_only_reads(alice):
    client = bearer(create_token("laptop", by=alice).text)
    answer = client.post(ME)
    assert (answer.status_code, "scope “read”" in answer.json()["detail"]) == (403, True)


def test_a_write_with_a_read_token_is_recorded_once_a_minute(alice):
    made = create_token("laptop", by=alice)
    client = bearer(made.text)
    for _ in range(3):
        client.post("/api/v1/freezes/", {}, content_type="application/json")
    event = AuditEvent.objects.get(action=Action.TOKEN_USED)
    assert (event.actor, event.outcome, event.source) == ("alice", Outcome.REFUSED, Source.API)
    assert event.target == ApiToken.objects.get().prefix
    assert event.data == {"code": "permission_denied", "method": "POST", "route": "api/v1/freezes/", "scope": "read"}
    assert made.text.rpartition("_")[2] not in str(list(AuditEvent.objects.values()))
    cache.clear()
    client.delete(ME)
    assert AuditEvent.objects.filter(action=Action.TOKEN_USED).count() == 2


def test_reading_with_a_read_token_is_not_recorded(alice):
    bearer(create_token("laptop", by=alice).text).get(ME)
    assert not AuditEvent.objects.filter(action=Action.TOKEN_USED).exists()


def test_write_token_reaches_the_method(alice):
    assert bearer(create_token("laptop", by=alice, scope="write").text).post(ME).status_code == 405


def test_use_is_noted_at_most_once_a_minute(alice):
    client = bearer(create_token("laptop", by=alice).text)
    client.get(ME)
    first = ApiToken.objects.get().last_used_at
    client.get(ME)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    client.get(ME)
    assert ApiToken.objects.get().last_used_at >= first


def test_unknown_parameter_is_refused_by_name(alice, client):
    client.force_login(alice)
    answer = client.get(f"{ME}?colour=red")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "colour")
