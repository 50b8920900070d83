"""Registry webhooks, with the SDK and as its older client and the documentation's curl send them."""

import pytest
from databricks.sdk.errors import InvalidParameterValue, PermissionDenied, ResourceDoesNotExist
from databricks.sdk.service.ml import HttpUrlSpec, JobSpec, RegistryWebhookEvent, RegistryWebhookStatus

from apps.approvals import commenting
from apps.notifications import outbox
from apps.notifications.models import Delivery, Endpoint
from apps.registry import services as mirror
from apps.registry.models import DEFAULT_CONNECTION
from tests.servers.receiver import receiving

pytestmark = pytest.mark.mlflow
ASKED, COMMENTED = RegistryWebhookEvent.TRANSITION_REQUEST_CREATED, RegistryWebhookEvent.COMMENT_CREATED
MADE = RegistryWebhookEvent.REGISTERED_MODEL_CREATED


@pytest.fixture
def receiver(settings):
    """Somewhere to send to, which the installation allows."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.WEBHOOK_HTTP_HOSTS = ["127.0.0.1"]
    with receiving() as server:
        yield server


def test_webhooks_from_their_making_to_their_end(sdk, admin, model, receiver):
    registry, url = sdk(admin, "admin"), receiver.url
    made = registry.create_webhook(
        [ASKED, COMMENTED], model_name="churn", description="chat", http_url_spec=HttpUrlSpec(url)
    ).webhook
    assert (made.model_name, set(made.events), made.status, made.http_url_spec.url) == (
        "churn", {ASKED, COMMENTED}, RegistryWebhookStatus.ACTIVE, url,
    )  # fmt: skip
    everything = registry.create_webhook(
        [MADE], http_url_spec=HttpUrlSpec(url), status=RegistryWebhookStatus.TEST_MODE
    ).webhook
    assert (everything.model_name, everything.status) == (None, RegistryWebhookStatus.DISABLED)
    assert [row.id for row in registry.list_webhooks(max_results=1)] == [made.id, everything.id]
    assert [row.id for row in registry.list_webhooks(model_name="churn")] == [made.id]
    assert [row.id for row in registry.list_webhooks(events=[MADE, RegistryWebhookEvent.MODEL_VERSION_CREATED])] == [
        everything.id
    ]
    sent = registry.test_registry_webhook(made.id, event=ASKED)
    assert (sent.status_code, [post.json["type"] for post in receiver.posts]) == (204, ["webhook.test"])
    changed = registry.update_webhook(made.id, events=[COMMENTED], status=RegistryWebhookStatus.DISABLED).webhook
    assert (changed.events, changed.status, changed.description) == (
        [COMMENTED], RegistryWebhookStatus.DISABLED, "chat",
    )  # fmt: skip
    registry.delete_webhook(made.id)
    assert list(Endpoint.objects.values_list("pk", flat=True)) == [int(everything.id)]


def test_what_happens_is_sent_with_the_stage(sdk, admin, alice, model, receiver, mlflow_registry):
    outbox.fan_out()
    moved = RegistryWebhookEvent.MODEL_VERSION_TRANSITIONED_STAGE
    sdk(admin, "admin").create_webhook([COMMENTED, moved], model_name="churn", http_url_spec=HttpUrlSpec(receiver.url))
    commenting.comment(model.versions.get().pk, "Look at the slices.", by=alice)
    mlflow_registry.stage("churn", 1, "Staging")
    mirror.mirror_now(DEFAULT_CONNECTION, ["churn"])
    outbox.fan_out()
    sent = Delivery.objects.order_by("event_id")
    assert list(sent.values_list("type", "payload__data__model", "payload__data__to_stage")) == [
        ("version.commented", "churn", None), ("version.stage_changed", "churn", "Staging"),
    ]  # fmt: skip


@pytest.mark.parametrize("event", RegistryWebhookEvent)
def test_a_webhook_for_each_event_keeps_it(sdk, admin, receiver, event):
    made = sdk(admin, "admin").create_webhook([event], http_url_spec=HttpUrlSpec(receiver.url)).webhook
    assert event in made.events
    assert [row.id for row in sdk(admin, "admin").list_webhooks(events=[event])] == [made.id]


def test_a_webhook_for_one_stage_and_for_tags_is_told_of_nothing_else(sdk, admin, model, receiver, mlflow_registry):
    outbox.fan_out()
    events = [RegistryWebhookEvent.MODEL_VERSION_TRANSITIONED_TO_PRODUCTION, RegistryWebhookEvent.MODEL_VERSION_TAG_SET]
    made = sdk(admin, "admin").create_webhook(events, http_url_spec=HttpUrlSpec(receiver.url)).webhook
    assert set(made.events) == set(events)
    for stage in ("Staging", "Production"):
        mlflow_registry.stage("churn", 1, stage)
        mirror.mirror_now(DEFAULT_CONNECTION, ["churn"])
    mlflow_registry.call("PATCH", "model-versions/update", name="churn", version="1", description="New.")
    mirror.mirror_now(DEFAULT_CONNECTION, ["churn"])
    mlflow_registry.call("POST", "model-versions/set-tag", name="churn", version="1", key="checked", value="yes")
    mirror.mirror_now(DEFAULT_CONNECTION, ["churn"])
    outbox.fan_out()
    sent = Delivery.objects.order_by("event_id").values_list("type", "payload__data__to_stage")
    assert list(sent) == [("version.stage_changed", "Production"), ("version.changed", None)]


def test_webhooks_are_for_admins_with_a_token_of_that_scope(sdk, admin, bob, model, receiver):
    for registry in (sdk(bob, "write"), sdk(admin, "write")):
        with pytest.raises(PermissionDenied):
            list(registry.list_webhooks())
        with pytest.raises(PermissionDenied):
            registry.create_webhook([ASKED], http_url_spec=HttpUrlSpec(receiver.url))


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"events": [MADE], "model_name": "churn"}, "REGISTERED_MODEL_CREATED"),
        ({"http_url_spec": HttpUrlSpec("https://x.test", secret="s")}, "secret"),
        ({"http_url_spec": HttpUrlSpec("https://x.test", authorization="s")}, "authorization"),
        ({"http_url_spec": HttpUrlSpec("https://x.test", enable_ssl_verification=False)}, "Certificates"),
        ({"http_url_spec": None, "job_spec": JobSpec("t", "1")}, "jobs"),
        ({"http_url_spec": None}, "http_url_spec"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(sdk, admin, request, said, named):
    if "model_name" in said:
        request.getfixturevalue("model")
    asked = {"events": [ASKED], "http_url_spec": HttpUrlSpec("https://x.test")} | said
    with pytest.raises(InvalidParameterValue, match=named):
        sdk(admin, "admin").create_webhook(**asked)
    assert Endpoint.objects.count() == 0


def test_the_preview_path_and_ids_in_a_body(send, admin, sdk, receiver):
    path = "/api/2.0/preview/mlflow/registry-webhooks"
    body = {"events": ["COMMENT_CREATED"], "http_url_spec": {"url": receiver.url}}
    made = send(admin, "POST", f"{path}/create", scope="admin", json=body).json()["webhook"]
    assert made["http_url_spec"]["secret"].startswith("whsec_")  # this once
    listed = send(admin, "GET", f"{path}/list", scope="admin", params={"events": "COMMENT_CREATED"}).json()["webhooks"]
    assert [(row["id"], sorted(row["http_url_spec"])) for row in listed] == [
        (made["id"], ["enable_ssl_verification", "url"])
    ]
    tested = send(admin, "POST", f"{path}/test", scope="admin", json={"id": made["id"]}).json()
    assert (tested["status"], tested["status_code"]) == (204, 204)
    assert send(admin, "DELETE", f"{path}/delete", scope="admin", json={"id": made["id"]}).json() == {}
    with pytest.raises(ResourceDoesNotExist):
        sdk(admin, "admin").delete_webhook(made["id"])
