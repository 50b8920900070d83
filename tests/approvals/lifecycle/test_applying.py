"""What reaches MLflow: an alias, a stage with its alias; what is looked at right before, and what holds it back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import services, timers, waivers
from apps.approvals.models import (
    ApprovalPolicy,
    ApprovalRequest,
    DriftFinding,
    FreezeWindow,
    ProtectedAlias,
    Review,
    Waiver,
)
from apps.approvals.refreshing import REFRESH_JOB
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import services as mirror
from apps.registry import sync
from apps.registry.models import ModelAlias, ModelVersion
from tests.approvals.holding_proxy import acting_proxy
from tests.builders import make_policy

pytestmark = pytest.mark.mlflow
DAY = timedelta(days=1)


@pytest.fixture
def churn(mlflow_registry, db):
    """Version 1 in Production with the alias, version 2 beside it; the alias is protected."""
    mlflow_registry.model("churn")
    for _ in range(2):
        mlflow_registry.version("churn", metrics={"accuracy": 0.9})
    mlflow_registry.stage("churn", 1, "Production")
    mlflow_registry.alias("churn", "champion", 1)
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    ProtectedAlias.objects.create(alias="champion", added_by="admin")
    return mlflow_registry


def approved(by, reviewer, **target) -> ApprovalRequest:
    version = ModelVersion.objects.get(number=2)
    asked = services.open_request(version.pk, reason="Better.", by=by, **target)
    return services.act(asked.pk, "approve", by=reviewer, evidence_digest=asked.evidence_digest)


@pytest.fixture
def alias_request(churn, alice, bob) -> ApprovalRequest:
    """An approved request to point the alias to version 2."""
    make_policy("", alias="champion")
    return approved(alice, bob, alias="champion")


@pytest.fixture
def both(churn, alice, bob) -> ApprovalRequest:
    """An approved request to move version 2 to Production, whose policy moves the alias with it."""
    make_policy(moves_alias="champion", recertify_days=90)
    return approved(alice, bob, to_stage="Production")


def run() -> str:
    """Let a worker take the latest apply. Returns the job's state."""
    job = Job.objects.filter(kind="approvals.apply").latest("pk")
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    run_job(job.pk)
    job.refresh_from_db()
    return job.state


def now_as(request: ApprovalRequest) -> ApprovalRequest:
    return ApprovalRequest.objects.get(pk=request.pk)


def aliases(registry) -> dict[str, str]:
    rows = registry.call("GET", "registered-models/get", name="churn")["registered_model"].get("aliases", [])
    return {row["alias"]: row["version"] for row in rows}


def test_an_approved_alias_points_to_the_version(alias_request, churn):
    assert run() == "done"
    request = now_as(alias_request)
    assert (request.state, request.alias_before, aliases(churn)) == ("applied", "1", {"champion": "2"})
    assert ModelAlias.objects.get().version.number == 2
    assert [churn.stage_of("churn", number) for number in (1, 2)] == ["Production", "None"]
    event = AuditEvent.objects.get(action=Action.REQUEST_APPLIED)
    assert (event.data["before"], event.data["after"]) == ({"@champion": "1"}, {"@champion": "2"})


def test_an_alias_that_pointed_nowhere_is_set(churn, alice, bob):
    ProtectedAlias.objects.create(alias="challenger", added_by="admin")
    make_policy("", alias="challenger")
    request = approved(alice, bob, alias="challenger")
    assert run() == "done"
    assert (now_as(request).alias_before, aliases(churn)["challenger"]) == ("none", "2")


def test_stage_and_alias_move_together(both, churn):
    assert run() == "done"
    assert [churn.stage_of("churn", number) for number in (1, 2)] == ["Archived", "Production"]
    assert aliases(churn) == {"champion": "2"}
    request = now_as(both)
    assert (request.state, request.stage_before, request.alias_before) == ("applied", "None", "1")
    assert request.recertify_by - request.closed_at == 90 * DAY
    event = AuditEvent.objects.get(action=Action.REQUEST_APPLIED)
    assert event.data["after"] == {"stage": "Production", "@champion": "2"}


def test_an_alias_moved_by_an_apply_is_no_drift(both, churn):
    run()
    sync.synchronise(requested_by="test")
    assert list(DriftFinding.objects.all()) == []


def test_an_apply_has_other_requests_of_the_model_looked_at_again(both, alice):
    make_policy("Staging")
    first = ModelVersion.objects.get(number=1)
    other = services.open_request(first.pk, "Staging", reason="Once more.", by=alice)
    assert run() == "done"
    assert Job.objects.filter(key=f"{REFRESH_JOB}:{other.pk}", state="queued").count() == 1


def test_an_apply_settles_the_drift_of_its_alias(churn, alice, bob):
    make_policy("", alias="champion")
    churn.call("DELETE", "registered-models/alias", name="churn", alias="champion")
    sync.synchronise(requested_by="test")
    request = approved(alice, bob, alias="champion")
    assert run() == "done"
    finding = DriftFinding.objects.get()
    assert (finding.state, finding.reason) == ("resolved", f"Request {request.pk} decided the alias anew.")


def test_an_alias_moved_elsewhere_fails_at_once_with_a_sentence(alias_request, churn):
    churn.call("DELETE", "registered-models/alias", name="churn", alias="champion")
    assert run() == "failed"
    request = now_as(alias_request)
    assert (request.state, Review.objects.get().standing, aliases(churn)) == ("apply_failed", True, {})
    assert request.apply_error.startswith(
        "In MLflow @champion points to no version, but this request is to move it from v1 to churn v2"
    )


def test_what_mlflow_changes_between_the_lock_and_the_write_is_not_overwritten(both, churn, settings):
    def move(registry=churn) -> None:
        registry.stage("churn", 2, "Staging")

    with acting_proxy(churn.url, "model-versions/get?", at=2, act=move) as url:
        settings.MLFLOW_BACKEND_URL = url
        assert run() == "failed"
    assert (now_as(both).state, churn.stage_of("churn", 2), aliases(churn)) == (
        "apply_failed", "Staging", {"champion": "1"},
    )  # fmt: skip
    assert "in the moment before the write, so nothing was written" in now_as(both).apply_error


def test_an_alias_that_moves_after_its_stage_was_written_is_tried_again_by_a_person(both, churn, settings, alice):
    def point(registry=churn) -> None:
        registry.call("DELETE", "registered-models/alias", name="churn", alias="champion")

    with acting_proxy(churn.url, "model-versions/transition-stage", at=1, act=point) as url:
        settings.MLFLOW_BACKEND_URL = url
        assert run() == "failed"
        settings.MLFLOW_BACKEND_URL = churn.url
    assert (now_as(both).state, churn.stage_of("churn", 2), aliases(churn)) == ("apply_failed", "Production", {})
    churn.alias("churn", "champion", 1)
    services.act(both.pk, "retry", by=alice)
    assert run() == "done"
    assert (now_as(both).state, aliases(churn)) == ("applied", {"champion": "2"})


def test_a_dropped_request_that_wrote_a_part_leaves_drift(both, churn, settings, alice):
    def point(registry=churn) -> None:
        registry.call("DELETE", "registered-models/alias", name="churn", alias="champion")

    with acting_proxy(churn.url, "model-versions/transition-stage", at=1, act=point) as url:
        settings.MLFLOW_BACKEND_URL = url
        run()
        settings.MLFLOW_BACKEND_URL = churn.url
    mirror.refresh_version(both.version_id)
    assert list(DriftFinding.objects.all()) == []
    services.act(both.pk, "withdraw", by=alice)
    assert [(row.kind, row.expected, row.found) for row in DriftFinding.objects.all()] == [
        ("stage", "None", "Production")
    ]


def test_a_freeze_that_began_meanwhile_holds_the_apply_back(both, churn):
    now = timezone.now()
    FreezeWindow.objects.create(name="Year end", created_by="admin", starts_at=now - DAY, ends_at=now + DAY)
    assert run() == "done"
    assert (now_as(both).state, churn.stage_of("churn", 2)) == ("approved", "None")
    FreezeWindow.objects.update(ends_at=now)
    assert timers.apply_due() == 1
    assert run() == "done"
    assert now_as(both).state == "applied"


def test_a_freeze_that_began_after_a_worker_was_killed_before_its_write_holds_it_back(both, churn):
    ApprovalRequest.objects.update(state="applying", stage_before="None", alias_before="1")
    now = timezone.now()
    FreezeWindow.objects.create(name="Year end", created_by="admin", starts_at=now - DAY, ends_at=now + DAY)
    assert run() == "done"
    request = now_as(both)
    assert (request.state, request.stage_before, request.alias_before) == ("approved", "", "")
    assert set(ModelVersion.objects.values_list("pending_stage", flat=True)) == {""}


def test_a_job_that_comes_before_the_wait_is_over_writes_nothing(both, churn):
    ApprovalRequest.objects.update(apply_after=timezone.now() + DAY)
    assert run() == "done"
    assert (now_as(both).state, churn.stage_of("churn", 2)) == ("approved", "None")


def test_an_approval_that_expired_before_the_write_is_not_applied(both, churn):
    ApprovalRequest.objects.update(expires_at=timezone.now() - DAY)
    assert run() == "done"
    assert (now_as(both).state, churn.stage_of("churn", 2)) == ("expired", "None")


def test_an_apply_that_began_in_time_is_ended_after_it(both, churn):
    ApprovalRequest.objects.update(state="applying", stage_before="None", alias_before="1")
    ApprovalRequest.objects.update(expires_at=timezone.now() - DAY)
    assert timers.expire() == 0
    assert run() == "done"
    assert now_as(both).state == "applied"


def test_a_waiver_that_ran_out_before_the_write_sends_it_back_to_review(churn, alice, bob, erin):
    policy = make_policy(required_checks=["external:load-test"])
    version = ModelVersion.objects.get(number=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    waivers.waive(asked.pk, "external:load-test", reason="Later.", days=1, by=erin)
    asked = now_as(asked)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    assert (now_as(asked).state, ApprovalPolicy.objects.get()) == ("approved", policy)
    Waiver.objects.update(expires_at=timezone.now() - DAY)
    assert run() == "done"
    assert (now_as(asked).state, churn.stage_of("churn", 2)) == ("open", "None")


def test_what_was_archived_needs_no_certifying_again(churn, alice, bob):
    make_policy("Archived", recertify_days=90)
    request = approved(alice, bob, to_stage="Archived")
    assert run() == "done"
    assert (now_as(request).state, now_as(request).recertify_by) == ("applied", None)
