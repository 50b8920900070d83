from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals.models import ApprovalPolicy, ApprovalRequest, DriftFinding
from apps.audit.actions import Action
from apps.audit.models import AuditEvent, ChainHead
from apps.jobs.models import Job
from tests.approvals.drift.conftest import move, point
from tests.builders import make_policy, make_version


def state() -> str:
    return DriftFinding.objects.get().state


def revert_at_some_time(version, *, ago: timedelta) -> None:
    """An automatic revert of this version, so long ago."""
    AuditEvent.objects.create(
        id=AuditEvent.objects.count() + 1, at=timezone.now() - ago, action=Action.DRIFT_REVERT_STARTED, outcome="done",
        source="worker", actor="system:drift", model_id=version.model_id, target_type="drift", target="drift 0",
        data={"version": str(version)},
    )  # fmt: skip
    ChainHead.objects.update_or_create(id=1, defaults={"last_id": AuditEvent.objects.count()})


@pytest.mark.parametrize("stage", ["Staging", "Production"])
def test_the_policy_of_either_stage_reverts_at_once(version, stage):
    make_policy(stage, revert_drift=True)
    move(version, "Production")
    job = Job.objects.get(kind="approvals.revert")
    assert (state(), job.requested_by) == ("reverting", "system:drift")
    event = AuditEvent.objects.get(action=Action.DRIFT_REVERT_STARTED)
    assert (event.actor, event.reason) == ("system:drift", f"The policy of {stage} reverts drift at once.")


def test_without_the_switch_drift_waits_for_people(version):
    make_policy("Staging")
    make_policy("Production")
    move(version, "Production")
    assert (state(), Job.objects.count()) == ("open", 0)


def test_the_policy_of_the_model_goes_before_the_general_one(version):
    make_policy("Production", revert_drift=True)
    make_policy("Production", model=version.model)
    move(version, "Production")
    assert state() == "open"


def test_a_retired_policy_reverts_nothing(version):
    ApprovalPolicy.objects.filter(pk=make_policy("Production", revert_drift=True).pk).update(
        state="retired", retired_at=timezone.now()
    )
    move(version, "Production")
    assert state() == "open"


def test_only_stages_are_reverted_by_themselves(version, champion):
    make_policy("Staging", revert_drift=True)
    make_version(version.model, 3, stage="Staging")
    point(version, "champion", 3)
    assert state() == "open"


def test_what_is_about_to_be_decided_is_left_alone(version, decision):
    make_policy("Production", revert_drift=True)
    ApprovalRequest.objects.update(state="approved", to_stage="Production", stage_before="", closed_at=None)
    move(version, "Production")
    assert state() == "open"


def test_a_fourth_time_within_an_hour_waits_for_a_person(version):
    make_policy("Production", revert_drift=True)
    for minutes in (50, 30, 10):
        revert_at_some_time(version, ago=timedelta(minutes=minutes))
    move(version, "Production")
    finding = DriftFinding.objects.get()
    assert (finding.state, Job.objects.count()) == ("open", 0)
    assert finding.error.startswith("Assent has reverted this version 3 times within an hour")


def test_reverts_of_long_ago_or_of_others_do_not_count(version):
    make_policy("Production", revert_drift=True)
    other = make_version(version.model, 3)
    for row, minutes in ((version, 90), (version, 30), (version, 20), (other, 10)):
        revert_at_some_time(row, ago=timedelta(minutes=minutes))
    move(version, "Production")
    assert state() == "reverting"
