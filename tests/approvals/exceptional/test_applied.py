"""Bypasses and rollbacks that a worker brings to a real MLflow."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals import services
from apps.approvals.exceptional import rollback
from apps.approvals.models import ApprovalRequest
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.registry import services as mirror
from apps.registry import sync
from apps.registry.models import Connection, ModelVersion, RegisteredModel
from tests.approvals.exceptional.conftest import applied
from tests.approvals.exceptional.test_bypass import lose
from tests.approvals.test_apply import run
from tests.builders import make_policy

pytestmark = pytest.mark.mlflow


@pytest.fixture
def version(db, mlflow_registry) -> ModelVersion:
    """Version 2 of a model in MLflow, which has version 1 in Production."""
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.version("churn", metrics={"accuracy": 0.9})
    mlflow_registry.stage("churn", 1, "Production")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    return ModelVersion.objects.get(number=2)


def stages(mlflow_registry) -> list[str]:
    return [mlflow_registry.stage_of("churn", number) for number in (1, 2)]


def test_a_bypass_reaches_mlflow_without_votes(version, ask, confirm, asked, mlflow_registry):
    ask()
    confirm()
    assert run() == "done"
    assert (stages(mlflow_registry), ApprovalRequest.objects.get().state) == (["Archived", "Production"], "applied")


def test_a_bypass_never_goes_past_what_mlflow_says(version, ask, confirm, asked, mlflow_registry):
    ask()
    confirm()
    mlflow_registry.stage("churn", 2, "Archived")
    assert run() == "failed"
    request = ApprovalRequest.objects.get()
    assert (request.state, "was changed elsewhere" in request.apply_error) == ("apply_failed", True)


def test_evidence_that_changed_after_both_signed_sends_it_to_review(version, ask, confirm, asked, mlflow_registry):
    ask()
    confirm()
    metric = {"key": "accuracy", "value": 0.5, "timestamp": 9_000_000_000_000, "step": 1}
    mlflow_registry.call("POST", "runs/log-batch", run_id=version.run_id, metrics=[metric])
    assert run() == "done"
    request = ApprovalRequest.objects.get()
    assert (request.state, request.bypassed, stages(mlflow_registry)) == ("open", False, ["Production", "None"])


def test_a_rollback_reaches_mlflow_and_lasts_no_longer_than_its_approval(version, policy, alice, bob, mlflow_registry):
    first, until = ModelVersion.objects.get(number=1), timezone.now() + timedelta(days=5)
    make_policy("Archived")
    asked = services.open_request(first.pk, "Archived", reason="Old.", by=alice)
    ApprovalRequest.objects.filter(pk=asked.pk).update(from_stage="None", to_stage="Production")
    applied(asked, recertify_by=until)
    mlflow_registry.stage("churn", 1, "Archived")
    mlflow_registry.stage("churn", 2, "Production")
    sync.synchronise(requested_by="test")
    model = RegisteredModel.objects.get()
    request = rollback.roll_back(model.pk, stage="Production", reason="It scores nobody.", by=bob)
    assert run() == "done"
    request.refresh_from_db()
    assert (stages(mlflow_registry), request.state, request.recertify_by) == (
        ["Production", "Archived"], "applied", until,
    )  # fmt: skip


@pytest.mark.parametrize(("who", "lost"), [("bob", "duty"), ("bob", "account"), ("admin", "duty")])
def test_a_bypass_is_not_applied_when_one_of_the_two_may_not_any_more(
    version, ask, confirm, asked, emergency, mlflow_registry, who, lost
):
    ask()
    confirm()
    lose(User.objects.get(username=who), emergency, lost)
    assert run() == "done"
    request = ApprovalRequest.objects.get()
    assert (request.state, request.bypassed, stages(mlflow_registry)) == ("open", False, ["Production", "None"])
    reopened = AuditEvent.objects.get(action=Action.REQUEST_REOPENED)
    assert reopened.reason == f"{who.title()} answered for the bypass and may not do that any more."


@pytest.fixture
def rolling_back(version, policy, alice, bob, mlflow_registry) -> ApprovalRequest:
    """A rollback to version 1, which was approved for Production, and whose apply failed."""
    first = ModelVersion.objects.get(number=1)
    make_policy("Archived")
    asked = services.open_request(first.pk, "Archived", reason="Old.", by=alice)
    ApprovalRequest.objects.filter(pk=asked.pk).update(from_stage="None", to_stage="Production")
    applied(asked)
    mlflow_registry.stage("churn", 1, "Archived")
    mlflow_registry.stage("churn", 2, "Production")
    sync.synchronise(requested_by="test")
    model = RegisteredModel.objects.get()
    Connection.objects.update(enabled=False)
    request = rollback.roll_back(model.pk, stage="Production", reason="It scores nobody.", by=bob)
    run()
    Connection.objects.update(enabled=True)
    services.act(request.pk, "retry", by=bob)
    return request


def test_a_rollback_that_failed_is_tried_again(rolling_back, mlflow_registry):
    assert run() == "done"
    assert stages(mlflow_registry) == ["Production", "Archived"]


def test_a_rollback_whose_approval_lapsed_meanwhile_takes_votes(rolling_back, mlflow_registry):
    ApprovalRequest.objects.filter(pk=rolling_back.follows_id).update(recertify_by=timezone.now())
    assert run() == "done"
    rolling_back.refresh_from_db()
    assert (rolling_back.state, rolling_back.expedited, stages(mlflow_registry)) == (
        "open", False, ["Archived", "Production"],
    )  # fmt: skip
    reopened = AuditEvent.objects.get(action=Action.REQUEST_REOPENED)
    assert f"(request {rolling_back.follows_id}) has ended and was not certified anew" in reopened.reason


def test_a_rollback_whose_asker_lost_the_role_takes_votes(rolling_back, bob, mlflow_registry):
    bob.groups.clear()
    assert run() == "done"
    rolling_back.refresh_from_db()
    assert (rolling_back.state, rolling_back.expedited, stages(mlflow_registry)) == (
        "open", False, ["Archived", "Production"],
    )  # fmt: skip
    reopened = AuditEvent.objects.get(action=Action.REQUEST_REOPENED)
    assert reopened.reason == "Bob asked for the rollback and may not do that any more."


def test_a_rollback_to_files_that_are_not_the_signed_ones_takes_votes(rolling_back, mlflow_registry):
    approval = ApprovalRequest.objects.get(pk=rolling_back.follows_id)
    approval.evidence["artifact"] = "ab" * 32
    approval.save()
    assert run() == "done"
    rolling_back.refresh_from_db()
    assert (rolling_back.state, stages(mlflow_registry)) == ("open", ["Archived", "Production"])
