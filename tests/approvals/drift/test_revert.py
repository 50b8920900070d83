"""The job that puts MLflow back, against a real MLflow."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import services as sign_off
from apps.approvals.drift import services
from apps.approvals.drift.settling import REVERT_ATTEMPTS
from apps.approvals.models import ApprovalRequest, DriftFinding, ProtectedAlias
from apps.audit.actions import Action, Outcome, Source
from apps.audit.models import AuditEvent
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import services as mirror
from apps.registry import sync
from apps.registry.models import ModelAlias, ModelVersion, RegisteredModel
from apps.registry.observers import Changed
from tests.approvals.drift.conftest import move, point, tell
from tests.builders import make_policy, make_version

pytestmark = pytest.mark.mlflow


@pytest.fixture
def moved(mlflow_registry, version) -> ModelVersion:
    """Version 2, which belongs in Staging and which MLflow has in Production beside version 1."""
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.version("churn", metrics={"accuracy": 0.9})
    mlflow_registry.stage("churn", 1, "Production")
    mlflow_registry.stage("churn", 2, "Production")
    make_version(version.model, 1, stage="Production")
    move(version, "Production")
    return version


@pytest.fixture
def reverting(moved, bob) -> DriftFinding:
    """The finding on it, which Bob reverts."""
    return services.revert(DriftFinding.objects.get().pk, reason="Not agreed.", by=bob)


@pytest.fixture
def pointed(mlflow_registry, version) -> DriftFinding:
    """The finding that the protected alias points at version 1 instead of 2."""
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.version("churn")
    make_version(version.model, 1)
    ModelAlias.objects.create(model=version.model, alias="champion", version=version)
    ProtectedAlias.objects.create(alias="champion", added_by="admin")
    mlflow_registry.alias("churn", "champion", 1)
    point(version, "champion", 1)
    return DriftFinding.objects.get()


@pytest.fixture
def mirrored(db, mlflow_registry) -> DriftFinding:
    """The finding on version 2 of three, all of them mirrored by the real sync."""
    mlflow_registry.model("churn")
    for accuracy in (0.9, 0.91, 0.95):
        mlflow_registry.version("churn", metrics={"accuracy": accuracy})
    mlflow_registry.stage("churn", 2, "Production")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    make_policy()
    tell(Changed.STAGE, ModelVersion.objects.get(number=2), "Staging", "Production")
    return DriftFinding.objects.get()


def run(kind: str = "approvals.revert", times: int = 1) -> str:
    """Let a worker take the newest job of a kind, as often as told, without the pauses. Returns the job's state."""
    job = Job.objects.filter(kind=kind).latest("pk")
    for _ in range(times):
        Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        run_job(job.pk)
    job.refresh_from_db()
    return job.state


def read(finding: DriftFinding) -> DriftFinding:
    return DriftFinding.objects.get(pk=finding.pk)


def told() -> list[str]:
    return list(AuditEvent.objects.filter(target_type="drift").order_by("id").values_list("action", flat=True))


def aliases_in(mlflow_registry) -> dict[str, str]:
    model = mlflow_registry.call("GET", "registered-models/get", name="churn")["registered_model"]
    return {row["alias"]: row["version"] for row in model.get("aliases", [])}


def test_a_stage_goes_back_in_mlflow_and_in_the_mirror(reverting, mlflow_registry):
    assert run() == "done"
    assert [mlflow_registry.stage_of("churn", number) for number in (1, 2)] == ["Production", "Staging"]
    assert list(ModelVersion.objects.order_by("number").values_list("stage", "pending_stage")) == [
        ("Production", ""), ("Staging", ""),
    ]  # fmt: skip
    finding = read(reverting)
    assert (finding.state, finding.settled_by, RegisteredModel.objects.get().open_drift) == (
        "reverted", "system:drift", 0,
    )  # fmt: skip


def test_the_trail_says_who_asked_and_what_moved(reverting, bob):
    run()
    assert told() == [Action.DRIFT_FOUND, Action.DRIFT_REVERT_STARTED, Action.DRIFT_REVERTED]
    event = AuditEvent.objects.get(action=Action.DRIFT_REVERTED)
    assert (event.actor, event.source, event.data["requested_by"]) == ("system:drift", Source.WORKER, "bob")
    moves = AuditEvent.objects.filter(action=Action.VERSION_STAGE_CHANGED)
    assert [(row.target, row.data["after"]["stage"], row.data["drift"]) for row in moves] == [
        ("churn v2", "Staging", reverting.pk)
    ]


def test_what_mlflow_put_back_by_itself_is_not_written_again(reverting, mlflow_registry):
    mlflow_registry.stage("churn", 2, "Staging")
    before = mlflow_registry.call("GET", "model-versions/get", name="churn", version="2")
    assert run() == "done"
    assert mlflow_registry.call("GET", "model-versions/get", name="churn", version="2") == before
    assert (read(reverting).state, ModelVersion.objects.get(number=2).stage) == ("resolved", "Staging")


def test_a_worker_that_follows_a_killed_one_knows_the_write_as_its_own(reverting, mlflow_registry):
    DriftFinding.objects.update(details={"begun": True, "wrote": True})
    ModelVersion.objects.filter(number=2).update(pending_stage="Staging")
    mlflow_registry.stage("churn", 2, "Staging")
    assert run() == "done"
    assert read(reverting).state == "reverted"


def test_a_job_delivered_twice_reverts_once(reverting):
    run()
    Job.objects.update(state="queued")
    run()
    assert told().count(Action.DRIFT_REVERTED) == 1


def test_mlflow_down_is_tried_again_and_then_left_to_people(reverting, mlflow_registry, settings, bob):
    settings.MLFLOW_BACKEND_URL = "http://127.0.0.1:9"
    assert run() == "queued"
    assert run(times=REVERT_ATTEMPTS - 1) == "failed"
    finding = read(reverting)
    assert (finding.state, finding.error != "", ModelVersion.objects.get(number=2).pending_stage) == ("open", True, "")
    assert AuditEvent.objects.get(action=Action.DRIFT_REVERT_FAILED).outcome == Outcome.FAILED
    settings.MLFLOW_BACKEND_URL = mlflow_registry.url
    services.revert(finding.pk, by=bob)
    assert run() == "done"
    assert (read(reverting).state, mlflow_registry.stage_of("churn", 2)) == ("reverted", "Staging")


def test_a_version_that_is_gone_is_left_to_people_at_once(reverting, mlflow_registry):
    mlflow_registry.delete_version("churn", 2)
    assert run() == "failed"
    assert "no longer exists in MLflow" in read(reverting).error


def test_a_revert_waits_for_an_apply_on_the_same_model(reverting, decision, mlflow_registry):
    ApprovalRequest.objects.update(state="applying", closed_at=None)
    assert run() == "queued"
    assert (read(reverting).state, mlflow_registry.stage_of("churn", 2)) == ("reverting", "Production")
    assert f"Request {decision.pk} of the same model" in Job.objects.latest("pk").error


def test_an_apply_waits_for_a_revert_on_the_same_model(mirrored, alice, erin):
    DriftFinding.objects.update(state="reverting", details={"begun": True, "wrote": True})
    third = ModelVersion.objects.get(number=3)
    asked = sign_off.open_request(third.pk, "Production", reason="Better.", by=alice)
    sign_off.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)
    assert run("approvals.apply") == "queued"
    assert f"Drift {mirrored.pk} of the same model" in Job.objects.latest("pk").error


def test_two_reverts_of_one_model_follow_each_other(reverting, mlflow_registry, bob):
    first = ModelVersion.objects.get(number=1)
    mlflow_registry.stage("churn", 1, "Archived")
    move(first, "Archived")
    services.revert(DriftFinding.objects.get(version=first).pk, by=bob)
    DriftFinding.objects.filter(pk=reverting.pk).update(details={"begun": True, "wrote": True})
    assert run() == "queued"
    DriftFinding.objects.filter(pk=reverting.pk).update(details={})
    assert run() == "done"
    assert mlflow_registry.stage_of("churn", 1) == "Production"


def test_a_protected_alias_goes_back(pointed, mlflow_registry, bob):
    services.revert(pointed.pk, by=bob)
    assert run() == "done"
    assert (aliases_in(mlflow_registry), ModelAlias.objects.get().version.number) == ({"champion": "2"}, 2)
    assert (read(pointed).state, RegisteredModel.objects.get().alias_numbers) == ("reverted", {"champion": 2})
    (event,) = AuditEvent.objects.filter(action=Action.MODEL_CHANGED)
    assert (event.actor, event.data["after"]) == ("system:drift", {"aliases": {"champion": 2}})


def test_a_protected_alias_that_was_set_where_none_was_is_removed(pointed, mlflow_registry, bob):
    DriftFinding.objects.update(expected="")
    services.revert(pointed.pk, by=bob)
    assert run() == "done"
    assert (aliases_in(mlflow_registry), ModelAlias.objects.count()) == ({}, 0)


def test_an_alias_that_a_sync_sees_back_while_it_is_written_is_reverted_not_resolved(pointed, mlflow_registry, bob):
    services.revert(pointed.pk, by=bob)
    DriftFinding.objects.update(details={"begun": True, "wrote": True})
    mlflow_registry.alias("churn", "champion", 2)
    point(ModelVersion.objects.get(number=2), "champion", 2)
    assert run() == "done"
    assert read(pointed).state == "reverted"


def test_a_revert_whose_answer_was_lost_is_recorded_when_the_mirror_shows_it(pointed, bob, settings):
    services.revert(pointed.pk, by=bob)
    DriftFinding.objects.update(details={"begun": True, "wrote": True})
    point(ModelVersion.objects.get(number=2), "champion", 2)
    settings.MLFLOW_BACKEND_URL = "http://127.0.0.1:9"
    assert run(times=REVERT_ATTEMPTS) == "failed"
    assert read(pointed).state == "reverted"


def test_a_request_for_drift_is_applied_without_moving_anything(mirrored, mlflow_registry, alice, erin):
    asked = services.open_request_for(mirrored.pk, reason="It works.", by=alice)
    sign_off.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)
    before = mlflow_registry.call("GET", "model-versions/get", name="churn", version="2")
    assert run("approvals.apply") == "done"
    assert mlflow_registry.call("GET", "model-versions/get", name="churn", version="2") == before
    asked.refresh_from_db()
    assert (asked.state, read(mirrored).state) == ("applied", "accepted")
    event = AuditEvent.objects.get(action=Action.DRIFT_ACCEPTED)
    assert (event.data["request"], RegisteredModel.objects.get().open_drift) == (asked.pk, 0)


def test_a_promotion_settles_the_drift_that_it_overtakes(mirrored, mlflow_registry, alice, erin):
    make_policy("Archived")
    asked = sign_off.open_request(mirrored.version_id, "Archived", reason="Old.", by=alice)
    sign_off.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)
    assert run("approvals.apply") == "done"
    finding = read(mirrored)
    assert (finding.state, finding.reason) == ("resolved", f"Request {asked.pk} decided the stage anew.")
