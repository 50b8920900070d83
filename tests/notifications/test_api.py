"""Notifications and webhooks over the API: the same rules as on the pages."""

import pytest
from django.test import Client
from standardwebhooks import Webhook

from apps.notifications import outbox, queries
from apps.notifications.models import Delivery, Endpoint, Kind, Notification
from tests.notifications.conftest import happen, work

NEW = {"name": "chat", "url": "https://hooks.example.org/", "events": ["request.*"], "models": ["churn"]}


class Caller:
    def __init__(self, user) -> None:
        self.client = Client()
        self.client.force_login(user)

    def get(self, path: str):
        return self.client.get(f"/api/v1/{path}")

    def __getattr__(self, method: str):
        return lambda path, body=None: getattr(self.client, method)(
            f"/api/v1/{path}", body or {}, content_type="application/json"
        )


@pytest.fixture
def told(model, charlie, tell, outbox_is_read):
    tell(charlie, kind=Kind.DRIFT)
    for _ in range(3):
        happen(model)
    outbox.fan_out()
    return charlie


def test_notifications_are_listed_and_marked(told):
    api = Caller(told)
    listed = api.get("notifications/?unread=true&kind=drift").json()
    assert (listed["count"], listed["results"][0]["text"], listed["results"][0]["read_at"]) == (
        3,
        "churn changed",
        None,
    )
    first = listed["results"][0]["id"]
    assert api.post("notifications/read/", {"ids": [first]}).json() == {"marked": 1}
    assert api.get("notifications/?unread=true").json()["count"] == 2
    assert api.post("notifications/read/").json() == {"marked": 2}
    assert queries.unread_count(told) == 0


def test_an_empty_list_marks_nothing(told):
    assert Caller(told).post("notifications/read/", {"ids": []}).json() == {"marked": 0}


def test_choices_are_read_and_changed_one_by_one(charlie):
    api = Caller(charlie)
    before = api.get("notifications/preferences/").json()
    answer = api.patch("notifications/preferences/", {"mail": {"drift": "off"}, "digest_hour": 6})
    after = {**before, "mail": {**before["mail"], "drift": "off"}, "digest_hour": 6}
    assert (answer.status_code, answer.json(), api.get("notifications/preferences/").json()) == (200, after, after)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mail": {"drift": "hourly"}}, "mail.drift"),
        ({"mail": {"bypass": "off"}}, "mail"),
        ({"digest_hour": 24}, "digest_hour"),
        ({"quiet_from": 22}, "quiet_to"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_choices_that_make_no_sense_name_their_field(charlie, body, field):
    answer = Caller(charlie).patch("notifications/preferences/", body)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])


def test_a_webhook_lives_over_the_api(admin, model):
    api = Caller(admin)
    made = api.post("webhooks/", NEW).json()
    path = f"webhooks/{made['id']}/"
    assert (made["secret"][:6], made["models"], made["owner"]) == ("whsec_", ["churn"], "admin")
    assert "secret" not in api.get(path).json()
    assert [row["name"] for row in api.get("webhooks/").json()] == ["chat"]
    changed = api.patch(path, {"enabled": False, "models": []}).json()
    assert (changed["enabled"], changed["models"], changed["events"]) == (False, [], ["request.*"])
    rotated = api.post(f"{path}secret/").json()
    assert (rotated["secret"] == made["secret"], rotated["previous_until"] is None) == (False, False)
    assert (api.delete(path).status_code, Endpoint.objects.count()) == (204, 0)


def test_a_test_answers_what_the_receiver_said(webhook, receiver, admin):
    receiver.always(201, b"made")
    answer = Caller(admin).post(f"webhooks/{webhook.endpoint.pk}/test/").json()
    assert {key: answer[key] for key in ("ok", "status", "error", "answer")} == {
        "ok": True, "status": 201, "error": "", "answer": "made",
    }  # fmt: skip
    Webhook(webhook.secret).verify(receiver.posts[-1].body, receiver.posts[-1].headers)


def test_deliveries_are_listed_and_sent_again(webhook, receiver, admin, model):
    happen(model)
    work()
    api, path = Caller(admin), f"webhooks/{webhook.endpoint.pk}/"
    Delivery.objects.filter(type="model.changed").update(state="dead")
    dead = api.get(f"{path}deliveries/?state=dead").json()["results"]
    assert [row["type"] for row in dead] == ["model.changed"]
    assert api.post(f"{path}deliveries/{dead[0]['id']}/resend/").json() == {"queued": 1}
    assert api.post(f"{path}deliveries/{dead[0]['id']}/resend/").status_code == 409
    assert api.post(f"{path}resend/").json() == {"queued": 0}


def test_a_stranger_hears_no_difference(webhook, mallory):
    api = Caller(mallory)
    codes = {api.get(path).status_code for path in ("webhooks/", "webhooks/1/", "webhooks/999/")}
    assert (codes, api.post("webhooks/", {"nonsense": 1}).status_code) == ({403}, 403)
    assert Notification.objects.count() == 0
