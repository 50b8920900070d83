"""The pages: one's own notifications and choices; webhooks for those who manage them, secrets shown once."""

import re

import pytest
from django.test import Client

from apps.notifications import endpoints, outbox, queries
from apps.notifications.models import Delivery, Endpoint, Kind, Notification, Preferences
from tests.notifications.conftest import happen, work

URL = "https://hooks.example.org/assent"
WEBHOOK = {"name": "chat", "url": URL, "events": ["request.*"], "models": ""}


def as_(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.fixture
def told(model, charlie, tell, outbox_is_read):
    """Three things that charlie was told."""
    tell(charlie, kind=Kind.DRIFT)
    for _ in range(3):
        happen(model)
    outbox.fan_out()
    return charlie


def test_the_bell_counts_what_is_unread(told, erin):
    for user, shown in ((told, ["3"]), (erin, [])):
        page = text(as_(user).get("/audit/"))
        bell = re.search(r'<a class="bell".*?</a>', page)[0]
        assert re.findall(r'count-due">(\d+)', bell) == shown


def test_the_list_shows_each_with_its_link(told):
    page = text(as_(told).get("/notifications/"))
    assert page.count('<a class="strong-link" href="/models/churn/">churn changed</a>') == 3


def test_one_is_marked_as_read_or_all(told):
    client = as_(told)
    row = Notification.objects.first()
    assert client.post("/notifications/", {"id": row.pk}).status_code == 302
    assert queries.unread_count(told) == 2
    assert "2 notifications are marked as read." in text(client.post("/notifications/", follow=True))
    assert queries.unread_count(told) == 0


def test_the_list_is_narrowed_by_kind(told):
    client = as_(told)
    assert "churn changed" in text(client.get("/notifications/?kind=drift"))
    assert "Nothing about this" in text(client.get("/notifications/?kind=bypass"))
    assert client.get("/notifications/?kind=x").status_code == 400


def test_a_name_is_shown_as_text(model, charlie, tell, outbox_is_read):
    model.name = "<script>alert(1)</script>"
    model.save()
    tell(charlie)
    happen(model)
    outbox.fan_out()
    page = as_(charlie).get("/notifications/").content.decode()
    assert ("<script>alert" in page, "&lt;script&gt;alert(1)&lt;/script&gt; changed" in page) == (False, True)


def choices(**values) -> dict[str, str]:
    kinds = {kind.value: "off" for kind in Kind if kind != Kind.BYPASS}
    hours = {"digest_hour": "9", "quiet_from": "22", "quiet_to": "7", "time_zone": "Europe/Berlin"}
    return {**kinds, **hours, **values}


def test_choices_are_saved(charlie):
    client = as_(charlie)
    answer = client.post("/notifications/preferences/", choices(drift="now"), follow=True)
    kept = Preferences.objects.get(user=charlie)
    assert ("Your choices are saved" in text(answer), kept.mail["drift"], kept.quiet_from) == (True, "now", 22)
    assert '<option value="Europe/Berlin" selected>' in text(client.get("/notifications/preferences/"))


def test_choices_that_make_no_sense_come_back_on_their_field(charlie):
    answer = as_(charlie).post("/notifications/preferences/", choices(quiet_to=""))
    assert (answer.status_code, "Choose both, or none." in text(answer)) == (400, True)


def test_the_page_says_when_nothing_can_be_mailed(charlie, settings):
    client = as_(charlie)
    assert "sends no e-mail" in text(client.get("/notifications/preferences/"))
    settings.MAIL_ENABLED = True
    assert "no e-mail address of yours" in text(client.get("/notifications/preferences/"))


def test_a_secret_is_shown_once(admin):
    client = as_(admin)
    answer = client.post("/notifications/webhooks/new/", WEBHOOK)
    shown = re.findall(r"whsec_[A-Za-z0-9+/=]+", text(answer))
    number = Endpoint.objects.get().pk
    assert (answer.status_code, len(shown), "max-age=0" in answer["Cache-Control"]) == (200, 1, True)
    again = text(client.get(f"/notifications/webhooks/{number}/"))
    assert ("whsec_" in again, "never shown again" in again) == (False, True)
    rotated = client.post(f"/notifications/webhooks/{number}/", {"do": "rotate"})
    assert len(re.findall(r"whsec_[A-Za-z0-9+/=]+", text(rotated))) == 1


def test_a_webhook_that_makes_no_sense_comes_back_on_its_field(admin):
    client = as_(admin)
    answer = client.post("/notifications/webhooks/new/", {**WEBHOOK, "url": "http://10.0.0.1/"})
    assert (answer.status_code, "Use https://" in text(answer), Endpoint.objects.count()) == (400, True, 0)
    made = endpoints.add_endpoint(by=admin, name="chat", url=URL).endpoint
    refused = client.post(f"/notifications/webhooks/{made.pk}/", {**WEBHOOK, "do": "save", "models": "nothing"})
    assert (refused.status_code, "There is no model nothing" in text(refused)) == (400, True)


def test_settings_are_saved(admin, model):
    made = endpoints.add_endpoint(by=admin, name="chat", url=URL, events=["drift.found"]).endpoint
    values = {"do": "save", "name": "pipeline", "url": URL, "events": ["drift.found", "model.*"], "models": "churn\r\n"}
    as_(admin).post(f"/notifications/webhooks/{made.pk}/", values)
    made.refresh_from_db()
    assert (made.name, made.events, made.model_ids) == ("pipeline", ["drift.found", "model.*"], [model.pk])


def test_the_test_button_shows_what_the_receiver_answered(webhook, receiver, admin):
    receiver.always(418, b"<b>teapot</b>")
    answer = as_(admin).post(f"/notifications/webhooks/{webhook.endpoint.pk}/", {"do": "test"})
    page = text(answer)
    assert ("did not arrive" in page, "answered 418" in page, "&lt;b&gt;teapot" in page) == (True, True, True)


def test_what_was_given_up_is_shown_and_sent_again(webhook, receiver, model, admin):
    for _ in range(3):
        happen(model)
    work()
    Delivery.objects.filter(type="model.changed").update(state="dead")
    client, page = as_(admin), f"/notifications/webhooks/{webhook.endpoint.pk}/"
    assert text(client.get(f"{page}?state=dead")).count("Given up</span>") == 3
    client.post(page, {"do": "resend", "delivery": Delivery.objects.filter(state="dead").first().pk})
    assert Delivery.objects.filter(state="queued").count() == 1
    assert "2 deliveries wait in the queue again." in text(client.post(page, {"do": "resend_all"}, follow=True))


def test_only_what_was_given_up_is_offered_to_be_sent_again(webhook, receiver, model, admin):
    for _ in range(3):
        happen(model)
    work()
    changed = Delivery.objects.filter(type="model.changed").order_by("pk")
    first, second, third = changed
    for delivery, state in ((first, "dead"), (second, "done"), (third, "queued")):
        Delivery.objects.filter(pk=delivery.pk).update(state=state)
    page = as_(admin).get(f"/notifications/webhooks/{webhook.endpoint.pk}/").content.decode()
    offered = set(re.findall(r'name="delivery" value="(\d+)"', page))
    assert offered == {str(first.pk)}
    assert [row.may_be_sent_again for row in changed.all()] == [True, False, False]


def test_a_webhook_is_disabled_enabled_and_removed(webhook, admin):
    client, page = as_(admin), f"/notifications/webhooks/{webhook.endpoint.pk}/"
    for do, enabled in (("disable", [False]), ("enable", [True]), ("remove", [])):
        assert client.post(page, {"do": do}).status_code == 302
        assert list(Endpoint.objects.values_list("enabled", flat=True)) == enabled


@pytest.mark.parametrize("sent", [{"do": "nonsense"}, {}, {"do": "resend"}, {"do": "resend", "delivery": "x"}])
def test_a_form_that_is_not_on_the_page_is_refused(webhook, admin, sent):
    assert as_(admin).post(f"/notifications/webhooks/{webhook.endpoint.pk}/", sent).status_code == 400


def test_the_way_to_webhooks_is_shown_to_those_who_manage_them(admin, bob):
    assert "/notifications/webhooks/" in text(as_(admin).get("/notifications/"))
    assert "/notifications/webhooks/" not in text(as_(bob).get("/notifications/"))


def test_an_owner_who_left_is_shown(webhook, admin):
    deputy = endpoints.User.objects.create_user("deputy")
    deputy.groups.set(admin.groups.all())
    admin.is_active = False
    admin.save()
    assert "Owner deactivated" in text(as_(deputy).get("/notifications/webhooks/"))
