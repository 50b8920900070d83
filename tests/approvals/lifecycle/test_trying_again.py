"""An apply that failed and is tried again: what is looked at anew, and what somebody moved by hand meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import services, timers
from apps.approvals.models import ApprovalRequest, DriftFinding, FreezeWindow
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import services as mirror
from apps.registry import sync
from apps.registry.models import ModelVersion
from tests.approvals.holding_proxy import ALIAS, WRITE, refusing_proxy
from tests.approvals.lifecycle.test_applying import alias_request, aliases, approved, both, churn, now_as, run
from tests.builders import make_policy

__all__ = ["alias_request", "both", "churn"]  # fixtures
pytestmark = pytest.mark.mlflow
DAY = timedelta(days=1)


@pytest.fixture
def stage_request(churn, alice, bob) -> ApprovalRequest:
    """An approved request to move version 2 to Production."""
    make_policy()
    return approved(alice, bob, to_stage="Production")


def fail(churn, settings, path: str) -> None:
    """Let the latest apply fail on its last attempt, because MLflow answers its write with an error."""
    Job.objects.filter(kind="approvals.apply").update(max_attempts=1)
    with refusing_proxy(churn.url, path) as url:
        settings.MLFLOW_BACKEND_URL = url
        assert run() == "failed"
        settings.MLFLOW_BACKEND_URL = churn.url


def found() -> list[tuple[str, str, str, str]]:
    rows = DriftFinding.objects.order_by("pk")
    return list(rows.values_list("kind", "state", "expected", "found"))


def freeze() -> None:
    now = timezone.now()
    FreezeWindow.objects.create(name="Year end", created_by="admin", starts_at=now - DAY, ends_at=now + DAY)


def test_what_failed_and_moved_nothing_is_tried_again(stage_request, churn, settings, alice):
    fail(churn, settings, WRITE)
    assert (now_as(stage_request).state, churn.stage_of("churn", 2)) == ("apply_failed", "None")
    services.act(stage_request.pk, "retry", by=alice)
    assert run() == "done"
    assert (now_as(stage_request).state, churn.stage_of("churn", 2)) == ("applied", "Production")


def test_a_stage_moved_by_hand_after_a_failed_apply_is_drift(stage_request, churn, settings):
    fail(churn, settings, WRITE)
    churn.stage("churn", 2, "Production")
    sync.synchronise(requested_by="test")
    assert found() == [("stage", "open", "None", "Production")]


def test_an_alias_moved_by_hand_after_a_failed_apply_is_drift(alias_request, churn, settings):
    fail(churn, settings, ALIAS)
    churn.alias("churn", "champion", 2)
    sync.synchronise(requested_by="test")
    assert found() == [("alias", "open", "1", "2")]


def test_trying_again_after_an_approver_left_applies_nothing_that_was_moved_by_hand(
    stage_request, churn, settings, alice, bob
):
    fail(churn, settings, WRITE)
    churn.stage("churn", 2, "Production")
    bob.groups.clear()
    services.act(stage_request.pk, "retry", by=alice)
    run()
    assert now_as(stage_request).state == "open"


def test_trying_again_during_a_freeze_applies_nothing_that_was_moved_by_hand(stage_request, churn, settings, alice):
    fail(churn, settings, WRITE)
    churn.stage("churn", 2, "Production")
    services.act(stage_request.pk, "retry", by=alice)
    freeze()
    run()
    assert now_as(stage_request).state == "approved"


def test_trying_again_after_an_approver_left_applies_no_alias_that_was_moved_by_hand(
    alias_request, churn, settings, alice, bob
):
    fail(churn, settings, ALIAS)
    churn.alias("churn", "champion", 2)
    bob.groups.clear()
    services.act(alias_request.pk, "retry", by=alice)
    run()
    assert now_as(alias_request).state == "open"


def test_a_stage_moved_by_hand_before_anything_was_sent_is_not_taken_for_an_own_write(stage_request, churn, settings):
    ApprovalRequest.objects.update(state="applying", stage_before="None")  # a worker was killed before its write
    churn.stage("churn", 2, "Production")
    assert run() == "failed"
    assert "was changed elsewhere" in now_as(stage_request).apply_error


def test_trying_again_after_an_approver_left_moves_no_alias_after_its_stage(both, churn, settings, alice, bob):
    fail(churn, settings, ALIAS)
    assert (now_as(both).state, churn.stage_of("churn", 2), aliases(churn)) == (
        "apply_failed", "Production", {"champion": "1"},
    )  # fmt: skip
    bob.groups.clear()
    services.act(both.pk, "retry", by=alice)
    run()
    assert (now_as(both).state, aliases(churn)) == ("open", {"champion": "1"})
    assert found() == [("stage", "open", "None", "Production")]


def test_a_freeze_holds_back_the_alias_of_a_stage_that_was_written(both, churn, settings, alice):
    fail(churn, settings, ALIAS)
    services.act(both.pk, "retry", by=alice)
    freeze()
    run()
    assert (now_as(both).state, aliases(churn)) == ("approved", {"champion": "1"})
    FreezeWindow.objects.all().delete()
    assert timers.apply_due() == 1
    assert run() == "done"
    assert (now_as(both).state, aliases(churn)) == ("applied", {"champion": "2"})


def test_an_alias_that_another_request_moved_meanwhile_is_not_overwritten(both, churn, settings, alice, bob):
    churn.version("churn", metrics={"accuracy": 0.95})
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    make_policy("", alias="champion")
    third = ModelVersion.objects.get(number=3)
    other = services.open_request(third.pk, alias="champion", reason="Better still.", by=alice)
    services.act(other.pk, "approve", by=bob, evidence_digest=other.evidence_digest)
    assert (run(), now_as(other).state, aliases(churn)) == ("done", "applied", {"champion": "3"})
    run_job(Job.objects.get(kind="approvals.apply", args__request_id=both.pk).pk)
    request = now_as(both)
    assert (request.state, churn.stage_of("churn", 2), aliases(churn)) == ("apply_failed", "None", {"champion": "3"})
    assert request.apply_error.startswith(
        "In MLflow @champion points to v3, but this request is to move it from v1 to churn v2"
    )


def test_an_own_write_whose_rest_failed_is_no_drift(both, churn, settings):
    fail(churn, settings, ALIAS)
    mirror.refresh_version(both.version_id)
    assert (now_as(both).version.stage, found()) == ("Production", [])


def test_an_alias_moved_by_hand_after_its_stage_was_written_is_drift(both, churn, settings):
    fail(churn, settings, ALIAS)
    churn.alias("churn", "champion", 2)
    sync.synchronise(requested_by="test")
    assert found()[0] == ("alias", "open", "1", "2")
