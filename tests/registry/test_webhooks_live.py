"""A real MLflow that tells a running Assent what changed: registering, delivering, trying, removing."""

import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database

from apps import encryption
from apps.audit.models import AuditEvent
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, UpstreamUnavailable, WrongState
from apps.jobs.models import ACTIVE_STATES, Job
from apps.jobs.tasks import run_job
from apps.registry.models import Connection, DeliveryRefusal, ModelVersion, RegisteredModel, WebhookDelivery
from apps.registry.sync import synchronise
from apps.registry.webhooks import registering
from tests.servers.broken import Reply

PATIENCE = 20.0  # seconds: the machine may be busy

needs_mlflow = [pytest.mark.mlflow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def listening(mlflow_registry, live_server, settings) -> Any:
    """The registry, and an Assent that it can reach."""
    settings.WEBHOOK_URL = live_server.url.replace("localhost", "127.0.0.1")
    return mlflow_registry


def wait_for(happened: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def work() -> None:
    """Do the jobs that wait, as a worker does."""
    for number in Job.objects.filter(state__in=ACTIVE_STATES).values_list("pk", flat=True):
        run_job(number)


def refused(call: Callable[..., object], *args: Any, **kwargs: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        call(*args, **kwargs)
    return caught.value


def command(*words: str) -> str:
    """Run `manage.py register_webhook`; returns what it says."""
    out = StringIO()
    call_command("register_webhook", *words, stdout=out)
    return out.getvalue().strip()


class TestWithARealMlflow:
    pytestmark = needs_mlflow

    def test_a_tag_that_is_set_in_mlflow_is_seen_without_a_sync(self, admin, listening):
        number = listening.version(listening.model("churn"))
        synchronise(requested_by="test")
        registering.register("default", by=admin)
        listening.tag_version("churn", number, "validated", "yes")
        wait_for(WebhookDelivery.objects.exists, "MLflow delivered nothing")
        wait_for(lambda: work() or ModelVersion.objects.get().tags == {"validated": "yes"}, "the tag was not read")

    def test_a_new_model_and_its_version_are_seen_without_a_sync(self, admin, listening):
        synchronise(requested_by="test")
        registering.register("default", by=admin)
        listening.version(listening.model("churn"))
        wait_for(lambda: WebhookDelivery.objects.count() == 2, "MLflow did not deliver both")
        wait_for(lambda: work() or ModelVersion.objects.filter(model__name="churn").exists(), "it was not read")

    def test_an_alias_that_moves_is_seen_on_both_versions(self, admin, listening):
        listening.model("churn")
        first, second = listening.version("churn"), listening.version("churn")
        listening.alias("churn", "champion", first)
        synchronise(requested_by="test")
        registering.register("default", by=admin)
        listening.alias("churn", "champion", second)
        wait_for(WebhookDelivery.objects.exists, "MLflow delivered nothing")
        aliases = RegisteredModel.objects.get().aliases
        wait_for(lambda: work() or aliases.get().version.number == second, "the alias was not read")

    def test_the_webhook_is_ours_in_mlflow_and_its_secret_sealed_here(self, admin, listening, settings):
        row = registering.register("default", by=admin)
        (webhook,) = listening.webhooks()
        assert (webhook["name"], webhook["url"], len(webhook["events"])) == ("assent-default", row.webhook_url, 14)
        assert (row.webhook_id, row.webhook_by) == (webhook["webhook_id"], "admin")
        event = AuditEvent.objects.get(action="connection.webhook_registered")
        assert event.data["after"] == {"url": f"{settings.WEBHOOK_URL}/webhooks/mlflow/default/"}
        assert len(encryption.unseal(row.webhook_secret)) == 43

    def test_registering_again_replaces_webhook_and_secret(self, admin, listening):
        first, second = registering.register("default", by=admin), registering.register("default", by=admin)
        assert [webhook["webhook_id"] for webhook in listening.webhooks()] == [second.webhook_id]
        assert encryption.unseal(first.webhook_secret) != encryption.unseal(second.webhook_secret)

    def test_what_a_killed_registration_left_is_tidied_up_and_strangers_stay(self, admin, listening, settings):
        url = registering.default_url(Connection.objects.get(pk="default"))
        events = [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]
        for name, address in (("assent-default", url), ("assent-default", f"{url}of/another"), ("theirs", url)):
            listening.call("POST", "webhooks", name=name, url=address, events=events)
        registering.register("default", by=admin)
        left = sorted((webhook["name"], webhook["url"]) for webhook in listening.webhooks())
        assert left == [("assent-default", url), ("assent-default", f"{url}of/another"), ("theirs", url)]
        assert registering.send_test("default", by=admin) == "MLflow sent a signed test, and it arrived."

    def test_a_test_delivery_arrives_signed(self, admin, listening):
        registering.register("default", by=admin)
        assert registering.send_test("default", by=admin) == "MLflow sent a signed test, and it arrived."
        assert (WebhookDelivery.objects.count(), DeliveryRefusal.objects.count()) == (1, 0)

    def test_a_test_delivery_that_does_not_fit_is_explained(self, admin, listening):
        registering.register("default", by=admin)
        Connection.objects.update(webhook_secret=encryption.seal("another"))
        assert "was answered 401" in refused(registering.send_test, "default", by=admin).message

    def test_removing_ends_it_on_both_sides(self, admin, listening):
        registering.register("default", by=admin)
        assert (registering.remove("default", by=admin), listening.webhooks()) == ("", [])
        row = Connection.objects.get(pk="default")
        assert (row.webhook_id, row.webhook_secret, row.webhook_url) == ("", "", "")
        assert isinstance(refused(registering.remove, "default", by=admin), WrongState)

    def test_a_webhook_that_mlflow_has_lost_can_be_removed_and_is_named_by_the_test(self, admin, listening):
        registering.register("default", by=admin)
        listening.empty()
        assert "no longer has this webhook" in refused(registering.send_test, "default", by=admin).message
        assert registering.remove("default", by=admin) == ""

    def test_removing_works_while_mlflow_is_down(self, admin, listening, settings):
        registering.register("default", by=admin)
        settings.MLFLOW_BACKEND_URL = "http://127.0.0.1:9"
        assert "could not be told" in registering.remove("default", by=admin)
        assert Connection.objects.get(pk="default").webhook_secret == ""

    def test_the_command_registers_once_and_again_after_a_loss(self, admin, listening):
        first, second = command("admin"), command("admin")
        listening.empty()
        third = command("admin")
        assert (first.startswith("MLflow tells of changes at "), second, third) == (
            True,
            "The webhook is registered already.",
            first,
        )
        assert len(listening.webhooks()) == 1

    def test_the_host_must_be_one_that_mlflow_finds(self, admin, listening):
        url = "gopher://127.0.0.1/webhooks/mlflow/default/"
        assert refused(registering.register, "default", by=admin, url=url).field == "url"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/", "http://x/webhooks/mlflow/eu/", "mlflow", "http://u:p@x/"])
def test_an_address_where_assent_does_not_listen_is_refused(admin, url):
    error = refused(registering.register, "default", by=admin, url=url)
    assert (type(error), error.field) == (InvalidInput, "url")


def test_without_an_address_of_assent_one_is_asked_for(admin, settings):
    settings.WEBHOOK_URL = ""
    assert "ASSENT_WEBHOOK_URL" in refused(registering.register, "default", by=admin).message


def test_registering_is_for_those_who_manage_connections_and_refusals_are_recorded(bob):
    assert isinstance(refused(registering.register, "default", by=bob), NotAllowed)
    assert isinstance(refused(registering.remove, "default", by=bob), NotAllowed)
    assert isinstance(refused(registering.send_test, "default", by=bob), NotAllowed)
    events = AuditEvent.objects.order_by("id").values_list("action", "outcome", "actor")
    assert list(events) == [
        ("connection.webhook_registered", "refused", "bob"),
        ("connection.webhook_removed", "refused", "bob"),
    ]


def said_by_mlflow(message: str) -> Callable[[str, dict[str, str]], Reply]:
    """A server that lists no webhooks and refuses to make one."""
    refusal = Reply.json({"error_code": "INVALID_PARAMETER_VALUE", "message": message}, status=400)
    replies = iter([Reply.json({}), refusal])
    return lambda path, query: next(replies)


@pytest.mark.parametrize(
    ("message", "setting"),
    [
        ("Invalid webhook URL scheme: 'http'. Allowed schemes are: https.", "MLFLOW_WEBHOOK_ALLOWED_SCHEMES"),
        (
            "Webhook URL must not resolve to a non-public IP address. 'web' resolves to 10.0.0.2.",
            "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS",
        ),
        ("Cannot resolve Webhook URL hostname 'web': no such name", "does not find the host"),
    ],
)
def test_mlflows_refusals_name_the_setting_behind_them(admin, broken, message, setting):
    broken.decide = said_by_mlflow(message)
    error = refused(registering.register, "default", by=admin)
    assert (error.field, setting in error.message) == ("url", True)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b"", 500), "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"),
        (Reply(b"<html>no</html>", 404, "text/html"), "MLflow 3.3"),
        (Reply(says_nothing=True), "did not answer"),
    ],
    ids=["its key is lost", "it is too old", "it is silent"],
)
def test_an_mlflow_that_cannot_is_explained(admin, broken, reply, said):
    broken.always(reply)
    error = refused(registering.register, "default", by=admin)
    assert (type(error), said in error.message) == (UpstreamUnavailable, True)


@pytest.mark.django_db(transaction=True)
def test_of_two_registrations_at_once_the_second_is_told_and_leaves_nothing(admin, broken):
    """Another admin's registration commits while ours waits for MLflow."""

    def decide(path: str, query: dict[str, str]) -> Reply:
        Connection.objects.filter(pk="default").update(webhook_id="theirs")
        database.close()  # of the server's thread
        return Reply.json({"webhook": {"webhook_id": "ours"}})

    broken.decide = decide
    assert isinstance(refused(registering.register, "default", by=admin), Conflict)
    assert (Connection.objects.get(pk="default").webhook_id, broken.asked[-1]) == (
        "theirs",
        "/api/2.0/mlflow/webhooks/ours",
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nobody"], "Nobody has this user name."),
        (["admin", "--connection", "eu"], "There is no connection of this name."),
        (["admin", "--url", "mlflow"], "Write an address"),
        (["admin"], "MLflow cannot be reached"),
    ],
)
def test_the_command_says_why_it_failed(admin, words, why):
    with pytest.raises(CommandError, match=why):
        command(*words)
