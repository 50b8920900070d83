"""A connection that gets another address: what the new server has is not measured by what the old one had."""

import html

import pytest
from django.db import transaction

from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.registry import observers
from apps.registry.connecting import services
from apps.registry.connecting.forms import MOVING
from apps.registry.details.jobs import read_due_details
from apps.registry.models import (
    DEFAULT_CONNECTION,
    Connection,
    ModelVersion,
    RegisteredModel,
    Stage,
    SyncKind,
    SyncRun,
    SyncState,
)
from apps.registry.sync import synchronise
from apps.registry.syncing import runs
from tests.servers.broken import Reply, broken_server

pytestmark = pytest.mark.django_db(transaction=True)


class Server:
    """A registry of one model, created at `created`, whose versions are in these stages."""

    def __init__(self, created: int, *stages: str) -> None:
        self.model = {"name": "churn", "creation_timestamp": created, "last_updated_timestamp": created}
        self.stages = stages
        self.asked: list[str] = []

    def __call__(self, path, query):
        self.asked.append(path)
        if path.endswith("registered-models/search"):
            return Reply.json({} if "filter" in query else {"registered_models": [self.model]})
        if path.endswith("registered-models/get"):
            return Reply.json({"registered_model": self.model})
        versions = [
            self.model | {"version": str(number), "current_stage": stage} for number, stage in enumerate(self.stages, 1)
        ]
        if path.endswith("model-versions/get"):
            return Reply.json({"model_version": versions[int(query["version"]) - 1]})
        return Reply.json({"model_versions": versions})


@pytest.fixture
def told(monkeypatch):
    """What the observers are told."""
    heard: list[observers.Change] = []
    monkeypatch.setattr(observers, "_observers", [heard.extend])
    return heard


@pytest.fixture
def other():
    """Another server, with versions in stages that Assent never decided."""
    with broken_server() as server:
        server.decide = Server(2000, "None", "Production")
        yield server


@pytest.fixture
def eu(admin, broken):
    """A connection that is imported."""
    broken.decide = Server(1000, "Production")
    services.create_connection("eu", by=admin, url=broken.url)
    synchronise(requested_by="a test", connection="eu")
    return Connection.objects.get(name="eu")


def stages() -> dict[int, str]:
    rows = ModelVersion.objects.filter(deleted_at=None, model__deleted_at=None)
    return dict(rows.values_list("number", "stage"))


def test_the_first_pass_over_a_new_address_tells_no_drift(eu, other, admin, told):
    services.change_connection("eu", by=admin, url=other.url)
    synchronise(requested_by="a test", connection="eu")
    assert (stages(), told) == ({1: Stage.NONE, 2: Stage.PRODUCTION}, [])


def test_after_the_first_pass_over_a_new_address_surprises_are_drift_again(eu, other, admin, told):
    services.change_connection("eu", by=admin, url=other.url)
    synchronise(requested_by="a test", connection="eu")
    other.decide.stages = ("Staging", "Production")
    synchronise(requested_by="a test", connection="eu", full=True)
    assert [(change.version.number, change.after) for change in told] == [(1, Stage.STAGING)]


def test_a_new_address_makes_a_connection_one_that_was_never_imported(eu, other, admin):
    services.change_connection("eu", by=admin, url=other.url)
    eu.refresh_from_db()
    assert (eu.listed_at, eu.imported_at, eu.completed_at, eu.complete_seconds) == (None, None, None, None)


def test_another_setting_than_the_address_leaves_a_connection_imported(eu, admin):
    services.change_connection("eu", by=admin, timeout_seconds=3)
    assert Connection.objects.get(name="eu").imported_at == eu.imported_at


def test_a_new_address_ends_the_pass_over_the_old_one(eu, other, admin):
    with runs.opened("eu", SyncKind.COMPLETE, "a test") as opened:
        services.change_connection("eu", by=admin, url=other.url)
        with transaction.atomic():
            opened.fence()
    assert SyncRun.objects.latest("pk").state == SyncState.FAILED


def test_a_new_address_forgets_the_webhook_of_the_old_server(eu, other, admin):
    Connection.objects.filter(name="eu").update(webhook_id="7", webhook_url="http://assent", webhook_secret="sealed")
    services.change_connection("eu", by=admin, url=other.url)
    eu.refresh_from_db()
    assert (eu.webhook_id, eu.webhook_url, eu.webhook_secret) == ("", "", "")


def test_details_wait_until_the_new_server_is_mirrored(eu, other, admin):
    services.change_connection("eu", by=admin, url=other.url)
    other.decide.asked.clear()
    assert (read_due_details(connection="eu"), other.decide.asked) == (0, [])


def test_an_address_that_the_environment_changed_is_noticed_by_the_next_pass(broken, other, settings, told):
    broken.decide = Server(1000, "Production")
    synchronise(requested_by="a test")
    settings.MLFLOW_BACKEND_URL = other.url
    synchronise(requested_by="a test")
    assert (stages(), told) == ({1: Stage.NONE, 2: Stage.PRODUCTION}, [])
    assert list(RegisteredModel.objects.filter(deleted_at=None).values_list("created_at__second", flat=True)) == [2]
    assert Connection.objects.get(name=DEFAULT_CONNECTION).imported_from == other.url


def test_an_address_that_the_environment_changed_is_recorded_once(broken, other, settings):
    broken.decide = Server(1000, "Production")
    synchronise(requested_by="a test")
    settings.MLFLOW_BACKEND_URL = other.url
    synchronise(requested_by="a test")
    synchronise(requested_by="a test")
    event = AuditEvent.objects.get(action=Action.CONNECTION_CHANGED)
    assert (event.actor, event.target, event.data) == (
        "system:operator", "default", {"before": {"url": broken.url}, "after": {"url": other.url}},
    )  # fmt: skip


def test_the_page_of_a_connection_says_what_another_address_means(eu, client, admin):
    client.force_login(admin)
    assert str(MOVING) in html.unescape(client.get("/connections/eu/").content.decode())
