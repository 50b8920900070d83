from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import findings, services
from apps.approvals.models import ApprovalRequest, Review
from apps.audit.actions import Action, Outcome, Source
from apps.audit.models import AuditEvent
from apps.errors import Conflict
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import services as mirror
from apps.registry import sync
from apps.registry.models import Connection, ModelVersion
from tests.builders import make_policy

pytestmark = pytest.mark.mlflow


@pytest.fixture
def approved(mlflow_registry, alice, bob) -> ApprovalRequest:
    """An approved request to move version 2 to Production, where version 1 is."""
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.version("churn", metrics={"accuracy": 0.9})
    mlflow_registry.stage("churn", 1, "Production")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    make_policy()
    return ask_and_approve(alice, bob)


def ask_and_approve(alice, bob, number: int = 2) -> ApprovalRequest:
    version = ModelVersion.objects.get(number=number)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    return services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)


def run(times: int = 1) -> str:
    """Let a worker take the job, as often as told, without the pauses. Returns the job's state."""
    job = Job.objects.filter(kind="approvals.apply").latest("pk")
    for _ in range(times):
        Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        run_job(job.pk)
    job.refresh_from_db()
    return job.state


def read(request: ApprovalRequest) -> ApprovalRequest:
    return ApprovalRequest.objects.get(pk=request.pk)


def events(action: Action) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("id"))


def test_an_approval_of_what_changed_in_mlflow_since_is_refused_and_nothing_moves(mlflow_registry, alice, bob):
    mlflow_registry.model("churn")
    mlflow_registry.version("churn", metrics={"accuracy": 0.9})
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    make_policy()
    version = ModelVersion.objects.get()
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    mlflow_registry.call("POST", "runs/log-metric", run_id=version.run_id, key="accuracy", value=0.1, timestamp=2**41)
    with pytest.raises(Conflict, match="accuracy"):
        services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    request = read(asked)
    assert (request.state, request.evidence["metrics"]) == ("open", {"accuracy": "0.1"})
    assert (request.reviews.count(), Job.objects.filter(kind="approvals.apply").count()) == (0, 0)


def test_what_was_approved_reaches_mlflow_and_the_mirror(approved, mlflow_registry):
    assert run() == "done"
    assert [mlflow_registry.stage_of("churn", number) for number in (1, 2)] == ["Archived", "Production"]
    assert list(ModelVersion.objects.order_by("number").values_list("stage", flat=True)) == ["Archived", "Production"]
    request = read(approved)
    assert (request.state, request.stage_before, request.closed_at is None) == ("applied", "None", False)


def test_the_trail_says_who_decided_and_what_moved(approved):
    run()
    (applied,) = events(Action.REQUEST_APPLIED)
    assert (applied.actor, applied.source) == ("system:approvals", Source.WORKER)
    assert (applied.data["requested_by"], applied.data["approved_by"]) == ("alice", ["bob"])
    moves = events(Action.VERSION_STAGE_CHANGED)
    assert sorted((event.target, event.data["after"]["stage"], event.data["request"]) for event in moves) == [
        ("churn v1", "Archived", approved.pk),
        ("churn v2", "Production", approved.pk),
    ]


def test_a_job_delivered_twice_applies_once(approved, mlflow_registry):
    run()
    Job.objects.update(state="queued")
    run()
    assert len(events(Action.REQUEST_APPLIED)) == 1


def test_a_request_withdrawn_meanwhile_is_left_alone(approved, mlflow_registry, alice):
    services.act(approved.pk, "withdraw", by=alice)
    assert run() == "done"
    assert (read(approved).state, mlflow_registry.stage_of("churn", 2)) == ("withdrawn", "None")


def test_evidence_that_changed_before_the_apply_sends_it_back_to_review(approved, mlflow_registry):
    metric = {"key": "accuracy", "value": 0.5, "timestamp": 9_000_000_000_000, "step": 1}
    mlflow_registry.call("POST", "runs/log-batch", run_id=approved.version.run_id, metrics=[metric])
    assert run() == "done"
    request = read(approved)
    assert (request.state, request.evidence["metrics"]["accuracy"]) == ("open", "0.5")
    assert Review.objects.get().standing is False
    assert mlflow_registry.stage_of("churn", 2) == "None"


@pytest.mark.parametrize("lost", ["duty", "account"])
def test_an_approver_who_may_no_longer_approve_sends_it_back_to_review(approved, mlflow_registry, bob, erin, lost):
    if lost == "duty":
        bob.groups.clear()
    else:
        bob.is_active = False
        bob.save()
    assert run() == "done"
    assert (read(approved).state, Review.objects.get().standing) == ("open", False)
    assert events(Action.REQUEST_REVIEWS_DISMISSED)[0].data["dismissed"] == ["bob"]
    services.act(approved.pk, "approve", by=erin, evidence_digest=approved.evidence_digest)
    assert run() == "done"
    assert mlflow_registry.stage_of("churn", 2) == "Production"


def test_an_approver_who_is_gone_is_not_missed_where_enough_are_left(approved, mlflow_registry, alice, bob, erin):
    services.act(approved.pk, "withdraw", by=alice)
    asked = services.open_request(approved.version_id, "Production", reason="Better.", by=alice)
    for person, action in ((bob, "request_changes"), (erin, "approve"), (bob, "approve")):
        services.act(asked.pk, action, by=person, comment="Hm.", evidence_digest=asked.evidence_digest)
    bob.groups.clear()
    assert run() == "done"
    assert (read(asked).state, mlflow_registry.stage_of("churn", 2)) == ("applied", "Production")
    (dismissed,) = events(Action.REQUEST_REVIEWS_DISMISSED)
    assert (dismissed.data["dismissed"], dismissed.data["after"]) == (["bob"], {"state": "approved"})
    assert events(Action.REQUEST_APPLIED)[0].data["approved_by"] == ["erin"]


def test_after_the_apply_the_findings_are_still_those_of_the_decision(approved):
    before = findings.checks_of(read(approved))
    run()
    after = read(approved)
    assert after.state == "applied"
    assert (findings.checks_of(after), findings.baseline_of(after)["version"]) == (before, 1)
    assert {check.name: check.outcome for check in before}["metrics"] == "pass"


def test_a_stage_changed_elsewhere_fails_at_once_with_a_sentence(approved, mlflow_registry):
    mlflow_registry.stage("churn", 2, "Staging")
    assert run() == "failed"
    request = read(approved)
    assert (request.state, mlflow_registry.stage_of("churn", 2)) == ("apply_failed", "Staging")
    assert request.apply_error.startswith("MLflow has churn v2 in Staging, but this request is to move it from None")
    (event,) = events(Action.REQUEST_APPLY_FAILED)
    assert (event.outcome, event.reason) == (Outcome.FAILED, request.apply_error)
    assert Review.objects.get().standing is True


def test_a_version_that_is_gone_fails_at_once(approved, mlflow_registry):
    mlflow_registry.delete_version("churn", 2)
    assert run() == "failed"
    assert "no longer exists in MLflow" in read(approved).apply_error


def test_nothing_is_written_through_a_disabled_connection(approved, mlflow_registry):
    Connection.objects.update(enabled=False)
    run()
    assert (read(approved).state, read(approved).apply_error, mlflow_registry.stage_of("churn", 2)) == (
        "apply_failed",
        "The connection default is disabled, so Assent writes nothing there. Enable it, then try again.",
        "None",
    )


def test_mlflow_down_is_tried_again_and_then_given_up(approved, mlflow_registry, settings, alice):
    settings.MLFLOW_BACKEND_URL = "http://127.0.0.1:9"
    assert run() == "queued"
    assert (read(approved).state, Job.objects.get(kind="approvals.apply").attempts) == ("approved", 1)
    assert run(services.APPLY_ATTEMPTS - 1) == "failed"
    assert (read(approved).state, read(approved).apply_error != "") == ("apply_failed", True)
    settings.MLFLOW_BACKEND_URL = mlflow_registry.url
    services.act(approved.pk, "retry", by=alice)
    assert run() == "done"
    assert (read(approved).state, mlflow_registry.stage_of("churn", 2)) == ("applied", "Production")


def begin(request: ApprovalRequest) -> None:
    """What a worker killed at its write has left behind."""
    ApprovalRequest.objects.filter(pk=request.pk).update(state="applying", stage_before="None", stage_write="sent")
    request.version.refresh_from_db()
    ModelVersion.objects.filter(number=2).update(pending_stage="Production")
    ModelVersion.objects.filter(number=1).update(pending_stage="Archived")


def test_a_write_that_archived_nothing_is_completed(approved, mlflow_registry):
    begin(approved)
    mlflow_registry.stage("churn", 2, "Production", archive=False)
    assert run() == "done"
    assert [mlflow_registry.stage_of("churn", number) for number in (1, 2)] == ["Archived", "Production"]


def test_nothing_is_written_when_mlflow_says_it_already(approved, mlflow_registry):
    begin(approved)
    mlflow_registry.stage("churn", 2, "Production", archive=True)
    before = mlflow_registry.call("GET", "model-versions/get", name="churn", version="2")
    assert run() == "done"
    assert mlflow_registry.call("GET", "model-versions/get", name="churn", version="2") == before
    assert read(approved).state == "applied"


def test_a_move_already_written_is_recorded_even_if_an_approver_has_left(approved, mlflow_registry, bob):
    begin(approved)
    mlflow_registry.stage("churn", 2, "Production", archive=True)
    bob.groups.clear()
    assert run() == "done"
    assert read(approved).state == "applied"


def test_two_requests_of_one_model_are_applied_one_after_the_other(approved, mlflow_registry, alice, bob):
    mlflow_registry.version("churn", metrics={"accuracy": 0.95})
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    begin(approved)
    other = ask_and_approve(alice, bob, 3)
    assert run() == "queued"
    assert read(other).state == "approved"
    assert f"Request {approved.pk} of the same model" in Job.objects.latest("pk").error


def test_giving_up_takes_back_the_marks_on_the_versions(approved, mlflow_registry, settings):
    begin(approved)
    settings.MLFLOW_BACKEND_URL = "http://127.0.0.1:9"
    assert run(services.APPLY_ATTEMPTS) == "failed"
    assert set(ModelVersion.objects.values_list("pending_stage", flat=True)) == {""}
