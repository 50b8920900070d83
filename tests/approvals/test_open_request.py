from contextlib import suppress
from threading import Barrier, Thread

import pytest
from django.db import connections

from apps.approvals import services
from apps.approvals.models import ApprovalRequest
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import (
    Conflict,
    DomainError,
    InvalidInput,
    NotAllowed,
    NotVisible,
    RuleViolation,
    UpstreamUnavailable,
    WrongState,
)
from apps.registry.models import DetailsState
from tests.approvals.broken_trail import broken_trail
from tests.builders import make_policy


def ask(version, by, stage="Production", reason="Better.", **options) -> ApprovalRequest:
    return services.open_request(version.pk, stage, reason=reason, by=by, **options)


def test_a_request_keeps_the_evidence_and_the_policy_of_its_moment(asked, version, policy):
    assert (asked.state, asked.from_stage, asked.policy, asked.archive_existing) == ("open", "Staging", policy, True)
    assert asked.evidence["metrics"] == {"accuracy": "0.9"}
    event = AuditEvent.objects.get(action=Action.REQUEST_OPENED)
    assert (event.actor, event.target, event.model_id) == ("alice", f"request {asked.pk}", version.model_id)
    assert event.data["evidence_digest"] == asked.evidence_digest


@pytest.mark.parametrize("stage", ["None", "Archived"])
def test_nothing_is_archived_on_the_way_out(version, alice, bob, stage):
    make_policy(stage)
    assert ask(version, alice, stage, archive_existing=True).archive_existing is False


def test_the_requester_chooses_whether_to_archive(version, policy, alice, bob):
    assert ask(version, alice, archive_existing=False).archive_existing is False


def refused(error: type[DomainError], *args, **options) -> str:
    """The event of the refusal, which is all that the attempt left behind."""
    with pytest.raises(error) as caught:
        ask(*args, **options)
    assert not ApprovalRequest.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.reason) == (Action.REQUEST_OPENED, caught.value.message)
    assert event.outcome in (Outcome.REFUSED, Outcome.FAILED)
    return caught.value.message


def test_a_stranger_is_told_that_there_is_no_such_version(version, policy, mallory):
    refused(NotVisible, version, mallory)
    assert AuditEvent.objects.get().model_id is None


def test_a_viewer_cannot_ask(version, policy, charlie):
    refused(NotAllowed, version, charlie)


def test_no_policy_means_no(version, alice):
    refused(RuleViolation, version, alice)


def test_a_version_stays_where_it_is(champion, policy, alice):
    refused(RuleViolation, champion, alice)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 5001, "a\0b"])
def test_a_reason_is_needed(version, policy, alice, reason):
    refused(InvalidInput, version, alice, reason=reason)


def test_an_unknown_stage_is_refused(version, policy, alice):
    refused(InvalidInput, version, alice, stage="Prod")


def test_a_deleted_version_is_refused(version, policy, alice):
    version.deleted_at = version.created_at
    version.save()
    refused(WrongState, version, alice)


def test_unread_evidence_is_not_put_to_sign_off_while_mlflow_is_down(version, policy, alice):
    version.details_state = DetailsState.PENDING
    version.save()
    refused(UpstreamUnavailable, version, alice)


def test_a_second_request_for_the_same_move_names_the_first(asked, version, bob):
    with pytest.raises(Conflict, match=f"Request {asked.pk} already asks"):
        ask(version, bob)
    assert ApprovalRequest.objects.count() == 1


def test_after_the_first_is_closed_another_may_be_made(asked, version, alice, review):
    review("withdraw", alice)
    assert ask(version, alice).pk != asked.pk


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_in_the_same_moment_make_one_request(version, policy, alice, bob, erin):
    barrier, errors = Barrier(2), []

    def race(person) -> None:
        barrier.wait()
        try:
            ask(version, person)
        except Conflict as error:
            errors.append(error.message)
        finally:
            connections.close_all()

    threads = [Thread(target=race, args=(person,)) for person in (alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked = ApprovalRequest.objects.get()
    assert errors == [
        f"Request {asked.pk} already asks to move churn v2 to Production. Follow that one, or withdraw it."
    ]


@pytest.mark.django_db(transaction=True)
def test_a_request_that_cannot_be_recorded_is_not_made(version, policy, alice):
    with broken_trail(), suppress(Exception):
        ask(version, alice)
    assert (ApprovalRequest.objects.count(), AuditEvent.objects.count()) == (0, 0)
