from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import Group
from django.db import connections
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.roles import REVIEWER, VIEWER
from apps.approvals import services as sign_off
from apps.approvals.drift import queries, services
from apps.approvals.models import ApprovalRequest, DriftFinding, DriftState
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.jobs.models import Job
from apps.registry.models import ModelVersion, RegisteredModel
from apps.registry.observers import Changed
from tests.approvals.drift.conftest import move, point, tell
from tests.builders import make_policy, make_version


def state() -> str:
    return DriftFinding.objects.get().state


def test_a_reviewer_accepts_with_a_reason(drifted, bob):
    services.accept(drifted.pk, found="Production", reason="Agreed by telephone in the night.", by=bob)
    drifted.refresh_from_db()
    assert (drifted.state, drifted.settled_by, drifted.reason) == (
        "accepted", "bob", "Agreed by telephone in the night.",
    )  # fmt: skip
    event = AuditEvent.objects.get(action=Action.DRIFT_ACCEPTED)
    assert (event.actor, event.actor_role, event.outcome) == ("bob", "ml_engineer, reviewer", Outcome.DONE)
    assert (event.data["before"], event.data["after"]) == ({"state": "open"}, {"state": "accepted"})


def test_what_was_accepted_is_expected_from_then_on(drifted, version, bob):
    services.accept(drifted.pk, found="Production", reason="Fine.", by=bob)
    move(version, "Archived")
    assert DriftFinding.objects.get(state="open").expected == "Production"


def test_accepting_takes_a_reason(drifted, bob):
    with pytest.raises(InvalidInput) as caught:
        services.accept(drifted.pk, found="Production", reason="  ", by=bob)
    assert (caught.value.field, state()) == ("reason", "open")


def test_accepting_is_of_what_was_read(drifted, version, bob):
    make_policy("Archived")
    move(version, "Archived")
    with pytest.raises(
        Conflict, match="MLflow says something else than what you read: MLflow has churn v2 in Archived"
    ):
        services.accept(drifted.pk, found="Production", reason="Fine.", by=bob)
    assert state() == "open"


def test_who_trained_the_version_may_not_accept_it(drifted, bob):
    ModelVersion.objects.update(run={"user": "bob"})
    with pytest.raises(RuleViolation, match="You trained this version"):
        services.accept(drifted.pk, found="Production", reason="Mine.", by=bob)
    assert AuditEvent.objects.get(action=Action.DRIFT_ACCEPTED).outcome == Outcome.REFUSED


def test_one_person_does_not_accept_what_takes_two(version, bob):
    make_policy(required_approvals=2)
    move(version, "Production")
    with pytest.raises(RuleViolation, match="demands 2 approvals"):
        services.accept(DriftFinding.objects.get().pk, found="Production", reason="Fine.", by=bob)


def test_a_stage_without_a_policy_cannot_be_accepted(version, bob):
    move(version, "Archived")
    with pytest.raises(RuleViolation, match="No policy says who signs off Archived"):
        services.accept(DriftFinding.objects.get().pk, found="Archived", reason="Fine.", by=bob)


def test_where_the_policy_names_a_group_its_members_accept(version, bob):
    board = Group.objects.create(name="board")
    make_policy(group=board)
    move(version, "Production")
    finding = DriftFinding.objects.get()
    with pytest.raises(RuleViolation, match="the group board"):
        services.accept(finding.pk, found=finding.found, reason="Fine.", by=bob)
    bob.groups.add(board)
    services.accept(finding.pk, found=finding.found, reason="Fine.", by=bob)
    assert state() == "accepted"


def test_a_revert_is_committed_with_its_job(drifted, bob):
    services.revert(drifted.pk, reason="Not agreed.", by=bob)
    job = Job.objects.get(kind="approvals.revert")
    assert (state(), job.args, job.requested_by) == ("reverting", {"finding_id": drifted.pk}, "bob")
    event = AuditEvent.objects.get(action=Action.DRIFT_REVERT_STARTED)
    assert (event.actor, event.reason, event.target) == ("bob", "Not agreed.", f"drift {drifted.pk}")


@pytest.mark.parametrize("what", [Changed.ARTIFACTS, Changed.DELETED])
def test_what_cannot_be_brought_back_cannot_be_reverted(version, bob, what):
    tell(what, version, "a" * 64 if what == Changed.ARTIFACTS else "Staging", "b" * 64)
    with pytest.raises(WrongState, match="cannot bring back files or deleted versions"):
        services.revert(DriftFinding.objects.get().pk, by=bob)


def test_an_alias_does_not_go_back_to_a_deleted_version(version, champion, bob):
    make_version(version.model, 3)
    point(version, "champion", 3)
    ModelVersion.objects.filter(number=2).update(deleted_at=version.created_at)
    with pytest.raises(Conflict, match="v2, where the alias pointed, was deleted"):
        services.revert(DriftFinding.objects.get().pk, by=bob)


PERSONS = ("alice", "bob", "erin", "charlie", "admin")
MAY = {"accept": {"bob", "erin"}, "revert": {"bob", "erin", "admin"}, "request": {"alice", "bob", "admin"}}


@pytest.mark.parametrize("action", MAY)
def test_actions_are_for_those_who_hold_the_permission(drifted, request, action):
    ModelVersion.objects.update(run={})
    offered = set()
    for name in PERSONS:
        person = request.getfixturevalue(name)
        offers = queries.allowed_actions(queries.get_finding(person, drifted.pk), person)
        offered |= {name for offer in offers if offer.action == action and offer.refusal is None}
    assert offered == MAY[action]


@pytest.mark.parametrize("action", MAY)
def test_the_service_refuses_what_is_not_offered(drifted, charlie, action):
    with pytest.raises(NotAllowed):
        services.act(drifted.pk, action, reason="Please.", by=charlie)
    assert (state(), AuditEvent.objects.latest("id").outcome) == ("open", Outcome.REFUSED)


@pytest.mark.parametrize("action", MAY)
def test_a_stranger_learns_nothing(drifted, mallory, action):
    with pytest.raises(NotVisible):
        services.act(drifted.pk, action, reason="Please.", by=mallory)


def test_an_unknown_action_is_refused(drifted, bob):
    with pytest.raises(InvalidInput):
        services.act(drifted.pk, "ignore", by=bob)


@pytest.mark.parametrize("settled", [state for state in DriftState if state != "open"])
@pytest.mark.parametrize("action", MAY)
def test_only_a_finding_that_waits_can_be_settled(drifted, bob, version, settled, action):
    closed = {"settled_at": version.created_at} if settled in ("accepted", "reverted", "resolved") else {}
    DriftFinding.objects.update(state=settled, **closed)
    with pytest.raises(WrongState):
        services.act(drifted.pk, action, reason="Again.", by=bob)
    assert state() == settled


@pytest.mark.django_db(transaction=True)
def test_two_at_once_settle_it_once(drifted, bob, erin):
    barrier, ends = Barrier(2), []

    def settle(person, action):
        barrier.wait()
        try:
            services.act(drifted.pk, action, found="Production", reason="Now.", by=person)
            ends.append("done")
        except DomainError as error:
            ends.append(error.code)
        finally:
            connections.close_all()

    threads = [Thread(target=settle, args=pair) for pair in ((bob, "accept"), (erin, "revert"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["done", "wrong_state"]


def test_a_request_for_drift_starts_where_the_decision_left_it(drifted, alice, bob):
    asked = services.open_request_for(drifted.pk, reason="It works.", by=alice)
    assert (asked.from_stage, asked.to_stage, asked.archive_existing, asked.state) == (
        "Staging", "Production", False, "open",
    )  # fmt: skip
    drifted.refresh_from_db()
    assert (drifted.state, drifted.request) == ("requested", asked)
    assert AuditEvent.objects.get(action=Action.DRIFT_REQUESTED).data["request"] == asked.pk


@pytest.mark.parametrize("action", ["reject", "withdraw"])
def test_drift_waits_for_people_again_when_its_request_ends(drifted, alice, bob, action):
    asked = services.open_request_for(drifted.pk, reason="It works.", by=alice)
    by = bob if action == "reject" else alice
    sign_off.act(asked.pk, action, by=by, comment="No.", evidence_digest=asked.evidence_digest)
    drifted.refresh_from_db()
    assert (drifted.state, drifted.request_id) == ("open", asked.pk)


def test_a_request_for_drift_can_be_reviewed(drifted, alice, bob):
    asked = services.open_request_for(drifted.pk, reason="It works.", by=alice)
    asked = sign_off.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    assert asked.state == "approved"


def test_mlflow_moving_on_lets_the_finding_wait_again(drifted, version, alice, bob):
    asked = services.open_request_for(drifted.pk, reason="It works.", by=alice)
    move(version, "Archived")
    drifted.refresh_from_db()
    assert (drifted.state, drifted.found) == ("open", "Archived")
    with pytest.raises(Conflict, match="is now in Archived"):
        sign_off.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)


def test_a_second_request_for_the_same_stage_is_a_conflict(drifted, version, alice):
    ApprovalRequest.objects.create(
        version=version, from_stage="Staging", to_stage="Production", archive_existing=False, requester=alice,
        reason="First.", policy=make_policy("Archived"), evidence={}, evidence_digest="0" * 64,
        submitted_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(Conflict, match="already asks to move"):
        services.open_request_for(drifted.pk, reason="It works.", by=alice)
    assert state() == "open"


def test_an_alias_that_points_nowhere_cannot_be_asked_for(version, champion, alice):
    point(version, "champion", None)
    with pytest.raises(Conflict, match="points nowhere in MLflow"):
        services.open_request_for(DriftFinding.objects.get().pk, reason="It works.", by=alice)
    assert AuditEvent.objects.latest("id").outcome == Outcome.REFUSED


def test_other_files_cannot_be_asked_for(version, alice):
    tell(Changed.ARTIFACTS, version, "a" * 64, "b" * 64)
    with pytest.raises(WrongState, match="Only a stage or a protected alias can be asked for"):
        services.open_request_for(DriftFinding.objects.get().pk, reason="It works.", by=alice)


def test_the_models_row_counts_requests(drifted, alice, bob):
    asked = services.open_request_for(drifted.pk, reason="It works.", by=alice)
    assert RegisteredModel.objects.get().open_requests == 1
    sign_off.act(asked.pk, "withdraw", by=alice)
    assert RegisteredModel.objects.get().open_requests == 0


def test_what_waits_is_counted_for_those_who_may_settle_it(drifted, bob, charlie, mallory, model):
    assert [queries.waiting_for(person).count() for person in (bob, charlie, mallory)] == [1, 0, 0]
    for role, waits in ((VIEWER, 0), (REVIEWER, 1)):
        group = Group.objects.create(name=f"some {role.name}")
        grants.set_role(group, [role], model)
        mallory.groups.set([group])
        assert queries.waiting_for(mallory).count() == waits
