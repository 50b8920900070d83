"""The steps of a governed stage write against a real MLflow."""

import pytest
from django.db import transaction

from apps.audit.models import AuditEvent
from apps.audit.services import Actor
from apps.errors import NotVisible, UpstreamUnavailable
from apps.registry import stages
from apps.registry.models import ModelVersion
from apps.registry.sync import synchronise
from tests.registry import rows
from tests.servers.broken import Reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_versions(mlflow_registry):
    """churn v1 in Production and v2 in None, mirrored; returns v2."""
    mlflow_registry.model("churn")
    mlflow_registry.bare_version("churn")
    mlflow_registry.bare_version("churn")
    mlflow_registry.stage("churn", 1, "Production")
    synchronise(requested_by="a test")
    return ModelVersion.objects.select_related("model").get(number=2)


def expect(version, stage, archive_existing):
    with transaction.atomic():
        stages.expect(version, stage, archive_existing=archive_existing)


def rows_now() -> list[tuple]:
    return list(ModelVersion.objects.order_by("number").values_list("number", "stage", "pending_stage"))


@pytest.mark.mlflow
@pytest.mark.parametrize("archive", [True, False])
def test_a_promotion_with_a_sync_in_the_middle_is_audited_once(mlflow_registry, two_versions, archive):
    expect(two_versions, "Production", archive)
    stages.write(two_versions, "Production", archive_existing=archive)
    synchronise(requested_by="a test")
    seen = stages.read_back(two_versions, "Production", archive_existing=archive)
    with transaction.atomic():
        moved = stages.settle(two_versions, seen, by=Actor("bob", "reviewer"), reason="good", request=12)
    synchronise(requested_by="a test")

    first = "Archived" if archive else "Production"
    assert rows_now() == [(1, first, ""), (2, "Production", "")]
    assert [row.number for row in moved] == ([1, 2] if archive else [2])
    events = AuditEvent.objects.filter(action="version.stage_changed").order_by("id")
    assert [(event.target, event.actor, event.data["request"]) for event in events] == [
        (f"churn v{row.number}", "bob", 12) for row in moved
    ]
    assert (mlflow_registry.stage_of("churn", 1), mlflow_registry.stage_of("churn", 2)) == (first, "Production")


@pytest.mark.mlflow
def test_read_back_refuses_when_mlflow_shows_another_stage(two_versions):
    with pytest.raises(UpstreamUnavailable) as caught:
        stages.read_back(two_versions, "Production", archive_existing=True)
    assert caught.value.message == ("MLflow accepted the move to Production but still shows another stage for v1, v2.")


@pytest.mark.mlflow
def test_archiving_asks_mlflow_for_nothing_it_refuses(mlflow_registry, two_versions):
    expect(two_versions, "Archived", True)
    stages.write(two_versions, "Archived", archive_existing=True)
    seen = stages.read_back(two_versions, "Archived", archive_existing=True)
    assert {number: row.stage for number, row in seen.items()} == {2: "Archived"}


@pytest.mark.mlflow
def test_after_abandon_the_next_sync_takes_mlflows_word(mlflow_registry, two_versions):
    expect(two_versions, "Production", True)
    stages.write(two_versions, "Production", archive_existing=True)
    with transaction.atomic():
        stages.abandon(two_versions)
    synchronise(requested_by="a test")
    assert rows_now() == [(1, "Archived", ""), (2, "Production", "")]


@pytest.mark.mlflow
def test_read_stage_says_that_the_version_is_gone(mlflow_registry, two_versions):
    assert stages.read_stage(two_versions) == "None"
    mlflow_registry.delete_version("churn", 2)
    with pytest.raises(NotVisible):
        stages.read_stage(two_versions)


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(says_nothing=True), Reply(b"<html>")])
def test_every_step_that_asks_mlflow_says_when_it_is_down(broken, reply):
    version = rows.version(rows.model())
    broken.always(reply)
    steps = [
        lambda: stages.read_stage(version),
        lambda: stages.write(version, "Staging", archive_existing=False),
        lambda: stages.read_back(version, "Staging", archive_existing=False),
    ]
    for step in steps:
        with pytest.raises(UpstreamUnavailable):
            step()
