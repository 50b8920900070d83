"""Deliveries: signed, at least once, in order for each model, tried again, given up; nothing out of sight."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from apps import encryption
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import NotVisible, WrongState
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.notifications import endpoints, outbox, queries
from apps.notifications.models import Delivery, Endpoint, Notification
from apps.notifications.sending import lanes, webhooks
from apps.notifications.sending.signing import headers
from tests.builders import make_model
from tests.conftest import member
from tests.notifications.conftest import happen, make_due, texts, work
from tests.servers.receiver import Reply

FAR = f"Mon, 01 Jan 2035 00:00:00 +{'9' * 18}"  # a zone that no clock has


def states() -> list[tuple[int, str]]:
    return list(Delivery.objects.order_by("event_id").values_list("event_id", "state"))


def sent(receiver) -> list[tuple[str, int]]:
    """The models and events that arrived, in order."""
    return [(post.json["data"]["model"], post.json["data"]["event"]) for post in receiver.posts]


def refuse(receiver, model: str, status: int = 500) -> None:
    """Refuse everything about one model."""
    receiver.decide = lambda post: Reply(status if post.json["data"]["model"] == model else 204)


def test_the_signature_is_the_specification_s():
    """The example of the specification's own libraries."""
    at = datetime.fromtimestamp(1614265330, UTC)
    made = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], at
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_event_arrives_signed(webhook, receiver, model):
    event = happen(model, by="mlflow", reason="Secret reasons.", before={"x": 1}, version="churn v2")
    work()
    post = receiver.posts[-1]
    assert Webhook(webhook.secret).verify(post.body, post.headers) == {
        "type": "model.changed",
        "timestamp": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {
            "event": event.pk,
            "action": "model.changed",
            "outcome": "done",
            "source": "command",
            "actor": "mlflow",
            "target": {"type": "model", "name": "churn"},
            "model": "churn",
            "version": "churn v2",
            "url": f"http://127.0.0.1:8000/api/v1/audit/events/{event.pk}/",
        },
    }
    assert (post.headers["content-type"], post.headers["webhook-id"]) == (
        "application/json",
        Delivery.objects.get(event_id=event.pk).message_id,
    )


def test_a_changed_body_does_not_verify(webhook, receiver, model):
    happen(model)
    work()
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook.secret).verify(receiver.posts[-1].body + b" ", receiver.posts[-1].headers)


def test_what_arrived_is_not_sent_again(webhook, receiver, model):
    happen(model)
    work()
    before = len(receiver.posts)
    work()
    assert (len(receiver.posts), {state for _event, state in states()}) == (before, {"done"})


def test_only_the_events_that_were_chosen_are_sent(webhook, receiver, model, admin):
    endpoints.change_endpoint(webhook.endpoint.pk, by=admin, events=["model.changed", "drift.*"])
    for action in (Action.MODEL_CHANGED, Action.MODEL_DELETED, Action.DRIFT_FOUND, Action.DRIFT_REVERTED):
        happen(model, action=action)
    work()
    assert [post.json["type"] for post in receiver.posts] == ["model.changed", "drift.found", "drift.reverted"]


def test_only_the_models_that_were_chosen_are_sent(webhook, receiver, model, admin):
    endpoints.change_endpoint(webhook.endpoint.pk, by=admin, events=["model.*"], models=["churn"])
    for about in (make_model("other"), model, None):
        happen(about)
    work()
    assert [name for name, _event in sent(receiver)] == ["churn"]


def test_a_refused_attempt_is_never_sent(webhook, receiver, model):
    happen(model, outcome=Outcome.REFUSED)
    work()
    assert [post.json["type"] for post in receiver.posts] == ["webhook.added"]


def test_the_owner_hears_of_no_model_out_of_sight(webhook, receiver, model, charlie):
    stranger = member("stranger")
    Endpoint.objects.update(owner=stranger)
    happen(model)
    work()
    assert (receiver.posts, states()) == ([], [])


def test_what_went_out_of_sight_while_it_waited_is_not_sent(webhook, receiver, model):
    outbox.fan_out()
    work()
    arrived = len(receiver.posts)
    receiver.always(500)
    happen(model)
    work()
    Endpoint.objects.update(owner=member("stranger"))
    make_due()
    receiver.always(204)
    work()
    assert (len(receiver.posts), Delivery.objects.filter(state="queued").count()) == (arrived + 1, 0)


def test_events_of_one_model_wait_for_each_other_and_those_of_others_do_not(webhook, receiver, model):
    other = make_model("other")
    work()
    receiver.posts.clear()
    refuse(receiver, "churn")
    churn = [happen(model).pk for _ in range(3)]
    others = [happen(other).pk for _ in range(3)]
    work()
    make_due()
    work()
    assert sent(receiver).count(("churn", churn[0])) == 2
    assert [row for row in sent(receiver) if row[0] == "other"] == [("other", event) for event in others]
    receiver.posts.clear()
    receiver.always(204)
    make_due()
    work()
    assert sent(receiver) == [("churn", event) for event in churn]


def test_a_model_goes_on_after_what_was_given_up(webhook, receiver, model):
    work()
    receiver.always(500)
    first, second = happen(model).pk, happen(model).pk
    for _ in range(len(webhooks.RETRY_SECONDS) + 1):
        work()
        make_due()
    receiver.always(204)
    work()
    assert dict(states()) | {first: "dead", second: "done"} == dict(states())


def test_pauses_grow_by_the_documented_schedule():
    assert webhooks.RETRY_SECONDS == (5, 30, 300, 1800, 7200, 18_000, 36_000, 36_000)
    for attempts, planned in enumerate(webhooks.RETRY_SECONDS, start=1):
        found = webhooks.pause(attempts).total_seconds()
        assert planned * 0.9 <= found <= planned * 1.1
    assert webhooks.pause(len(webhooks.RETRY_SECONDS) + 1) is None


@pytest.mark.parametrize(
    ("asked", "given"), [("120", 120), ("999999", 3600), ("soon", 0), ("-5", 0), ("²", 0), (FAR, 0)]
)
def test_a_receiver_may_ask_for_a_longer_pause_within_bounds(webhook, receiver, model, asked, given):
    work()
    receiver.decide = lambda post: Reply(
        429, headers={"Retry-After": asked.encode("latin-1", "ignore").decode("latin-1")}
    )
    event = happen(model)
    before = timezone.now()
    work()
    waits = (Delivery.objects.get(event_id=event.pk).next_at - before).total_seconds()
    assert given <= waits <= given + 60


def test_a_failed_attempt_says_why(webhook, receiver, model):
    work()
    receiver.always(503, b"busy")
    event = happen(model)
    work()
    row = Delivery.objects.get(event_id=event.pk)
    assert (row.state, row.attempts, row.last_status, row.last_error) == (
        "queued", 1, 503, "The receiver answered 503.",
    )  # fmt: skip


def test_a_redirect_counts_as_a_failure(webhook, receiver, model):
    work()
    receiver.posts.clear()
    receiver.always(307, Location=receiver.url)
    event = happen(model)
    work()
    assert (len(receiver.posts), Delivery.objects.get(event_id=event.pk).attempts) == (1, 1)


def test_an_address_that_is_no_longer_allowed_is_not_reached(webhook, receiver, model, settings):
    work()
    receiver.posts.clear()
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    event = happen(model)
    work()
    row = Delivery.objects.get(event_id=event.pk)
    assert (receiver.posts, row.attempts, "no public address" in row.last_error) == ([], 1, True)


def test_a_secret_that_cannot_be_opened_loses_nothing(webhook, receiver, model, settings):
    work()
    settings.ENCRYPTION_KEYS = ["another key"]
    event = happen(model)
    work()
    assert Delivery.objects.get(event_id=event.pk).state == "queued"
    settings.ENCRYPTION_KEYS = []
    make_due()
    work()
    assert Delivery.objects.get(event_id=event.pk).state == "done"


def test_a_worker_killed_after_sending_sends_again_under_the_same_id(webhook, receiver, model):
    work()
    receiver.posts.clear()
    event = happen(model)
    outbox.fan_out()
    delivery = Delivery.objects.select_related("endpoint__owner").get(event_id=event.pk)

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        webhooks.attempt(delivery, fence=killed)
    assert states()[-1] == (event.pk, "queued")
    work()
    ids = [post.headers["webhook-id"] for post in receiver.posts]
    assert (len(ids), len(set(ids)), states()[-1]) == (2, 1, (event.pk, "done"))


def test_a_worker_that_lost_its_lease_stores_nothing(webhook, receiver, model):
    work()
    event = happen(model)
    outbox.fan_out()
    lanes.start_due()
    job = Job.objects.filter(kind=lanes.DELIVER_JOB, state="queued").get()
    mine = jobs.claim(job.pk)
    Job.objects.filter(pk=job.pk).update(lease_token="somebody else's")
    with pytest.raises(jobs.LeaseLost):
        lanes.deliver(mine)
    assert states()[-1] == (event.pk, "queued")


def test_one_job_for_each_slot_however_often_beat_asks(webhook, receiver, model):
    happen(model)
    outbox.fan_out()
    for _ in range(3):
        lanes.start_due()
    keys = list(Job.objects.filter(kind=lanes.DELIVER_JOB, state="queued").values_list("key", flat=True))
    assert len(keys) == len(set(keys))


def test_both_secrets_sign_while_one_is_rotated(webhook, receiver, model, admin):
    rotated = endpoints.rotate_secret(webhook.endpoint.pk, by=admin)
    happen(model)
    work()
    post = receiver.posts[-1]
    for secret in (webhook.secret, rotated.secret):
        assert Webhook(secret).verify(post.body, post.headers)["type"] == "model.changed"
    Endpoint.objects.update(previous_until=timezone.now())
    happen(model)
    work()
    post = receiver.posts[-1]
    assert Webhook(rotated.secret).verify(post.body, post.headers)["type"] == "model.changed"
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook.secret).verify(post.body, post.headers)


def test_what_was_given_up_is_sent_again_on_demand(webhook, receiver, model, admin):
    work()
    events = [happen(model).pk for _ in range(3)]
    outbox.fan_out()
    Delivery.objects.filter(event_id__in=events).update(state="dead", finished_at=timezone.now(), attempts=9)
    receiver.posts.clear()
    first = Delivery.objects.get(event_id=events[0])
    assert endpoints.send_again(webhook.endpoint.pk, by=admin, delivery=first.pk) == 1
    work()
    assert endpoints.send_again(webhook.endpoint.pk, by=admin) == 2
    work()
    arrived = [row for row in sent(receiver) if row[0] == "churn"]
    ids = {post.headers["webhook-id"] for post in receiver.posts}
    assert (arrived, first.message_id in ids) == ([("churn", event) for event in events], True)


def test_only_what_was_given_up_can_be_sent_again(webhook, receiver, model, admin):
    happen(model)
    work()
    done = Delivery.objects.order_by("-pk").first()
    with pytest.raises(WrongState):
        endpoints.send_again(webhook.endpoint.pk, by=admin, delivery=done.pk)
    with pytest.raises(NotVisible):
        endpoints.send_again(webhook.endpoint.pk, by=admin, delivery=2**70)


def test_a_disabled_webhook_keeps_what_waits_and_hears_nothing_new(webhook, receiver, model, admin):
    work()
    receiver.always(500)
    waiting = happen(model).pk
    work()
    endpoints.change_endpoint(webhook.endpoint.pk, by=admin, enabled=False)
    receiver.always(204)
    receiver.posts.clear()
    happen(model)
    make_due()
    work()
    assert receiver.posts == []
    endpoints.change_endpoint(webhook.endpoint.pk, by=admin, enabled=True)
    make_due()
    work()
    assert [row for row in sent(receiver) if row[0] == "churn"] == [("churn", waiting)]


def test_a_webhook_that_fails_for_days_is_disabled_and_its_managers_are_told(webhook, receiver, model, admin):
    work()
    other = member("deputy")
    other.groups.set(admin.groups.all())
    receiver.always(500)
    happen(model)
    work()
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(days=5))
    make_due()
    work()
    found = Endpoint.objects.get()
    assert (found.enabled, found.disabled_because) == (False, "Nothing has arrived for 5 days.")
    event = AuditEvent.objects.filter(action="webhook.changed").get()
    assert (event.actor, event.data["after"]) == ("system:notifications", {"enabled": False})
    outbox.fan_out()
    told = ["The webhook “chat” was disabled: Nothing has arrived for 5 days."]
    assert (texts(admin), texts(other)) == (told, told)


def test_what_arrives_ends_the_failing(webhook, receiver, model):
    receiver.always(500)
    work()
    assert Endpoint.objects.get().failing_since is not None
    receiver.always(204)
    make_due()
    work()
    assert Endpoint.objects.get().failing_since is None


def test_a_receiver_that_is_gone_is_believed(webhook, receiver, model):
    receiver.always(410)
    work()
    assert Endpoint.objects.get().enabled is False


def test_the_test_button_shows_the_real_answer(webhook, receiver, admin):
    receiver.always(418, b"I am a teapot")
    answer = endpoints.test_endpoint(webhook.endpoint.pk, by=admin)
    post = receiver.posts[-1]
    assert (answer.status, answer.answer, answer.arrived) == (418, "I am a teapot", False)
    assert Webhook(webhook.secret).verify(post.body, post.headers)["type"] == "webhook.test"
    assert AuditEvent.objects.filter(action="webhook.tested").count() == 1


def test_no_secret_is_stored_in_the_clear_or_recorded(webhook, admin):
    rotated = endpoints.rotate_secret(webhook.endpoint.pk, by=admin)
    row = Endpoint.objects.get()
    assert (encryption.unseal(row.secret), encryption.unseal(row.previous_secret)) == (rotated.secret, webhook.secret)
    kept = "".join([row.secret, row.previous_secret, *(str(event.data) for event in AuditEvent.objects.all())])
    assert (webhook.secret in kept, rotated.secret in kept) == (False, False)


def test_a_burst_over_many_models_keeps_each_in_order(webhook, receiver):
    work()
    receiver.posts.clear()
    models = [make_model(f"m{number}") for number in range(10)]
    happened = [(model.reference, happen(model).pk) for _ in range(3) for model in models]
    work()
    arrived = sent(receiver)
    assert sorted(arrived) == sorted(happened)
    for model in models:
        mine = [event for name, event in arrived if name == model.reference]
        assert mine == sorted(mine)


def test_deliveries_are_listed_by_state(webhook, receiver, model, admin):
    work()
    receiver.always(500)
    event = happen(model)
    work()
    listed = queries.deliveries_of(admin, webhook.endpoint.pk, "queued")
    assert [row.event_id for row in listed] == [event.pk]
    found = queries.get_endpoint(admin, webhook.endpoint.pk)
    assert (found.waiting, found.dead) == (1, 0)


def test_nobody_is_notified_of_deliveries(webhook, receiver, model, admin):
    happen(model)
    work()
    assert Notification.objects.count() == 0


def test_a_job_without_anything_to_do_ends(webhook):
    job = jobs.enqueue(lanes.DELIVER_JOB, requested_by="t", endpoint=webhook.endpoint.pk, slot=3)
    run_job(job.pk)
    assert Job.objects.get(pk=job.pk).state == "done"
