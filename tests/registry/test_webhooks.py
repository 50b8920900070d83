"""Deliveries of MLflow's webhooks: only what is signed, new and of now is taken in, and each only once."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.encryption import seal
from apps.jobs.models import Job
from apps.registry.models import Connection, DeliveryRefusal, TouchedModel, WebhookDelivery
from apps.registry.webhooks import receiving, verify
from apps.registry.webhooks.verify import Refusal, refusal, signature

SECRET = "a secret of thirty-two bytes, about"
NOW = 1_795_207_374
CAPTURED = {  # as MLflow 3.17.2 sent it
    "id": "fa465af3-e4c2-4723-b9cc-bff7e77d5031",
    "body": b'{"entity": "registered_model", "action": "created", "data": {"name": "m"}}',
}


def event(entity: str = "model_version_tag", action: str = "set", **data: Any) -> bytes:
    return json.dumps({"entity": entity, "action": action, "data": {"name": "churn", **data}}).encode()


def headers(body: bytes, *, secret: str = SECRET, at: float | None = None, delivery_id: str = "d1") -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    return {
        verify.ID: delivery_id,
        verify.TIMESTAMP: timestamp,
        verify.SIGNATURE: signature(secret, delivery_id, timestamp, body),
    }


def send(body: bytes, signed: dict[str, str], path: str = "/webhooks/mlflow/default/") -> int:
    client = Client(enforce_csrf_checks=True)
    return client.post(path, body, content_type="application/json", headers=signed).status_code


@pytest.fixture
def registered(db) -> Connection:
    Connection.objects.filter(pk="default").update(webhook_id="w1", webhook_secret=seal(SECRET))
    return Connection.objects.get(pk="default")


def refusals() -> list[tuple[str, str, int]]:
    rows = DeliveryRefusal.objects.order_by("reason")
    return list(rows.values_list("connection_name", "reason", "count"))


def touched() -> list[tuple[str, int]]:
    return list(TouchedModel.objects.order_by("name", "number").values_list("name", "number"))


def test_the_signature_is_that_of_the_standard():
    """HMAC-SHA256 of "i.1.{}" under the key "s", computed by OpenSSL."""
    assert signature("s", "i", "1", b"{}") == "v1,0RNAxPAM5oOPOGweqFPy1eyj8JscaQ5bwGpLCLD5Dgc="


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({verify.SIGNATURE: ""}, Refusal.UNSIGNED),
        ({verify.ID: ""}, Refusal.UNSIGNED),
        ({verify.ID: "x" * 101}, Refusal.UNSIGNED),
        ({verify.ID: "two\nlines"}, Refusal.UNSIGNED),
        ({verify.TIMESTAMP: "yesterday"}, Refusal.UNSIGNED),
        ({verify.TIMESTAMP: "9" * 13}, Refusal.UNSIGNED),
        ({verify.ID: "another"}, Refusal.WRONG_SIGNATURE),
        ({verify.TIMESTAMP: str(NOW + 1)}, Refusal.WRONG_SIGNATURE),
        ({verify.SIGNATURE: "v1,AAAA"}, Refusal.WRONG_SIGNATURE),
        ({verify.SIGNATURE: "v0,é"}, Refusal.WRONG_SIGNATURE),
    ],
)
def test_what_is_not_signed_as_a_whole_is_refused(change, why):
    body = CAPTURED["body"]
    sent = headers(body, at=NOW, delivery_id=CAPTURED["id"]) | change
    assert refusal(sent, body, secret=SECRET, now=NOW) == why


@pytest.mark.parametrize(
    ("age", "why"),
    [(0, None), (300, None), (301, Refusal.TOO_OLD), (-60, None), (-61, Refusal.FROM_THE_FUTURE)],
)
def test_what_is_not_of_now_is_refused(age, why):
    body = CAPTURED["body"]
    assert refusal(headers(body, at=NOW - age), body, secret=SECRET, now=NOW) == why


def test_without_a_secret_nothing_is_signed():
    body = CAPTURED["body"]
    assert refusal(headers(body, secret="", at=NOW), body, secret="", now=NOW) == Refusal.UNSIGNED


@pytest.mark.parametrize(
    ("body", "noted"),
    [
        (event("model_version", "created", version="3"), ("churn", 3)),
        (event("model_version_tag", version="3", key="k", value="v"), ("churn", 3)),
        (event("model_version_alias", "created", version="3", alias="champion"), ("churn", 0)),
        (event("model_version_alias", "deleted", alias="champion"), ("churn", 0)),
        (event("registered_model", "created"), ("churn", 0)),
        (event("prompt", "created"), ("churn", 0)),
        (event("prompt_version", "created", version="3"), ("churn", 0)),
        (event("prompt_tag"), ("churn", 0)),
        (event("model_version", "created", version="99999999999999"), ("churn", 0)),
        (event("model_version", "created", version={"a": 1}), ("churn", 0)),
        (event("budget_policy", "exceeded"), ("", 0)),
        (event("model_version", "created", name=3), ("", 0)),
    ],
)
def test_an_event_names_what_to_read_again(body, noted):
    read = receiving.read_event(body)
    assert (read.model, read.number) == noted


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b'{"entity": "x"}', b'{"data": {}}', b"[" * 100_000])
def test_what_is_no_event_is_not_read(body):
    assert receiving.read_event(body) is None


def test_a_signed_delivery_is_noted_and_a_job_rung_for(registered):
    body = event(version="3")
    assert send(body, headers(body)) == 202
    assert (touched(), refusals()) == ([("churn", 3)], [])
    assert list(WebhookDelivery.objects.values_list("delivery_id", "event", "model_name")) == [
        ("d1", "model_version_tag.set", "churn")
    ]
    assert list(Job.objects.values_list("kind", "key")) == [("registry.touched", "registry.touched:default")]


def test_the_same_delivery_again_is_accepted_and_does_nothing(registered):
    body = event(version="3")
    first = send(body, headers(body))
    TouchedModel.objects.all().delete()
    assert (first, send(body, headers(body)), touched()) == (202, 202, [])


def test_a_delivery_sent_again_after_its_time_is_refused(registered):
    body = event(version="3")
    assert send(body, headers(body, at=time.time() - 3600)) == 401
    assert (touched(), refusals()) == ([], [("default", "too_old", 1)])


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        ({}, "unsigned"),
        (headers(event(), secret="another secret"), "wrong_signature"),
        (headers(event(name="other")), "wrong_signature"),
    ],
    ids=["unsigned", "another secret", "another body"],
)
def test_a_forged_delivery_is_refused_and_counted(registered, signed, reason):
    assert send(event(), signed) == 401
    assert (touched(), refusals()) == ([], [("default", reason, 1)])


def test_a_signed_body_that_is_no_event_is_refused(registered):
    assert (send(b"[]", headers(b"[]")), refusals()) == (400, [("default", "unreadable", 1)])


def test_a_body_that_is_too_large_is_refused_unread(registered):
    body = event(value="x" * receiving.MAX_BODY)
    assert (send(body, headers(body)), refusals()) == (413, [("", "too_large", 1)])


def test_unknown_disabled_and_unregistered_connections_answer_the_same(registered):
    Connection.objects.create(name="none", url="http://x")
    Connection.objects.create(name="off", url="http://x", webhook_secret=seal(SECRET), enabled=False)
    body = event()
    client = Client()
    answers = {
        client.post(f"/webhooks/mlflow/{name}/", body, content_type="application/json", headers=headers(body)).content
        for name in ("none", "off", "nobody", "Nobody_")
    }
    assert (len(answers), refusals()) == (1, [("", "unknown", 4)])


def test_a_secret_that_no_key_opens_lets_nothing_in(registered, settings):
    settings.ENCRYPTION_KEYS = ["another key"]
    body = event()
    assert (send(body, headers(body)), send(body, headers(body, secret=""))) == (401, 401)


def test_a_flood_of_refusals_is_one_row(registered):
    for number in range(20):
        send(b"{}", {verify.ID: f"d{number}"})
    assert refusals() == [("default", "unsigned", 20)]


def test_the_receiver_takes_only_posts_and_sets_no_cookie(registered, client):
    body = event()
    answer = client.post("/webhooks/mlflow/default/", body, content_type="application/json", headers=headers(body))
    assert (client.get("/webhooks/mlflow/default/").status_code, dict(answer.cookies)) == (405, {})


def test_a_delivery_takes_few_queries(registered):
    body = event()
    with CaptureQueriesContext(database) as asked:
        send(body, headers(body))
    assert len([query for query in asked if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]) <= 8


@pytest.mark.django_db(transaction=True)
def test_one_delivery_many_times_at_once_is_kept_once(registered):
    body = event(version="3")
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda _: _send_and_close(body, headers(body)), range(6)))
    assert (statuses, WebhookDelivery.objects.count(), touched()) == ([202] * 6, 1, [("churn", 3)])


@pytest.mark.django_db(transaction=True)
def test_many_deliveries_at_once_are_all_kept(registered):
    bodies = [event(version=str(number)) for number in range(1, 9)]
    sent = [headers(body, delivery_id=f"d{number}") for number, body in enumerate(bodies)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(_send_and_close, bodies, sent))
    assert (statuses, touched()) == ([202] * 8, [("churn", number) for number in range(1, 9)])


@pytest.mark.django_db(transaction=True)
def test_refusals_at_once_are_all_counted(registered):
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: _send_and_close(b"{}", {}), range(6)))
    assert refusals() == [("default", "unsigned", 6)]


def test_old_deliveries_and_refusals_are_removed(registered):
    body = event()
    send(body, headers(body))
    send(body, {})
    WebhookDelivery.objects.update(received_at="2026-01-01T00:00Z")
    DeliveryRefusal.objects.update(hour="2026-01-01T00:00Z")
    send(body, headers(body, delivery_id="new"))
    assert (receiving.prune(), WebhookDelivery.objects.get().delivery_id) == (2, "new")


def _send_and_close(body: bytes, signed: dict[str, str]) -> int:
    try:
        return send(body, signed)
    finally:
        database.close()
