"""What two people, or fifty, do in the same moment. The database decides."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.db import connections

from apps.accounts.roles import ML_ENGINEER, REVIEWER
from apps.approvals import advancing, bulk, services
from apps.approvals.bulk import Asked
from apps.approvals.models import UNFINISHED, ApprovalRequest, Review
from apps.audit import chain
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, DomainError, WrongState
from apps.jobs.models import Job
from apps.registry.models import ModelVersion
from tests.builders import make_policy, make_version, publish_policy
from tests.conftest import member

pytestmark = pytest.mark.django_db(transaction=True)


def together(*deeds: Callable[[], object]) -> list[DomainError]:
    """Let each deed happen in a thread of its own at once; return what was refused."""
    barrier, errors = Barrier(len(deeds)), []

    def run(deed: Callable[[], object]) -> None:
        barrier.wait()
        try:
            deed()
        except DomainError as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def ask(version, by) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Better.", by=by)


def vote(asked: ApprovalRequest, by, action: str = "approve") -> ApprovalRequest:
    return services.act(asked.pk, action, by=by, comment="Hm.", evidence_digest=asked.evidence_digest)


def now_as(asked: ApprovalRequest) -> ApprovalRequest:
    return ApprovalRequest.objects.get(pk=asked.pk)


def test_an_approval_against_a_withdrawal_ends_in_one_of_the_two(version, policy, alice, bob):
    asked = ask(version, alice)
    errors = together(lambda: vote(asked, bob), lambda: services.act(asked.pk, "withdraw", by=alice))
    assert now_as(asked).state == "withdrawn"
    assert [type(error) for error in errors] == [WrongState] * (1 - Review.objects.count())


def test_an_approval_against_an_objection_stays_blocked(version, policy, alice, bob, erin):
    asked = ask(version, alice)
    errors = together(lambda: vote(asked, bob), lambda: vote(asked, erin, "request_changes"))
    result = (now_as(asked).state, Review.objects.count(), [type(error) for error in errors])
    assert result in [("changes_requested", 2, []), ("approved", 1, [WrongState])]


def test_two_requests_of_one_model_for_a_stage_are_made_one_after_the_other(model, version, policy, alice, bob, erin):
    third = make_version(model, 3)
    assert together(lambda: ask(version, alice), lambda: ask(third, bob)) == []
    assert ApprovalRequest.objects.filter(state__in=UNFINISHED).count() == 2
    model.refresh_from_db()
    assert model.open_requests == 2


def test_a_newer_request_against_a_vote_on_the_older_one_does_not_deadlock(model, version, policy, alice, bob, erin):
    older, third = ask(version, alice), make_version(model, 3)
    assert together(lambda: ask(third, alice), lambda: vote(older, bob)) == []
    assert (now_as(older).state, now_as(older).superseded_by is not None) == ("approved", True)


def test_two_newer_requests_against_each_other_do_not_deadlock(model, version, policy, alice, bob, erin):
    older = ask(version, alice)
    third, fourth = make_version(model, 3), make_version(model, 4)
    assert together(lambda: ask(third, alice), lambda: ask(fourth, bob), lambda: vote(older, erin)) == []
    assert now_as(older).superseded_by.version.number in (3, 4)


def test_a_draft_submitted_twice_in_the_same_moment_is_one_request(version, policy, alice, bob):
    draft = services.open_request(version.pk, "Production", reason="Better.", draft=True, by=alice)
    errors = together(lambda: services.submit(draft.pk, by=alice), lambda: services.submit(draft.pk, by=alice))
    assert [type(error) for error in errors] == [WrongState]
    assert AuditEvent.objects.filter(action=Action.REQUEST_OPENED, outcome=Outcome.DONE).count() == 1


def test_a_draft_discarded_while_it_is_submitted_is_one_of_the_two(version, policy, alice, bob):
    draft = services.open_request(version.pk, "Production", reason="Better.", draft=True, by=alice)
    errors = together(lambda: services.submit(draft.pk, by=alice), lambda: services.act(draft.pk, "discard", by=alice))
    assert len(errors) == 1
    assert ApprovalRequest.objects.exclude(state="open").count() == 0


def test_an_approval_against_a_new_policy_keeps_the_request_under_its_own(version, policy, alice, bob, erin):
    asked = ask(version, alice)
    assert together(lambda: vote(asked, bob), lambda: publish_policy(required_approvals=2)) == []
    assert (now_as(asked).state, now_as(asked).policy) == ("approved", policy)


def test_an_approval_against_a_change_of_policy_ends_under_the_new_one(version, policy, alice, bob, erin, admin):
    asked = ask(version, alice)
    present = publish_policy(required_approvals=2)
    together(lambda: vote(asked, bob), lambda: services.act(asked.pk, "repin", by=admin, comment="Four eyes."))
    assert (now_as(asked).state, now_as(asked).policy) == ("open", present)


def test_reconsidering_twice_in_the_same_moment_approves_once(version, alice, bob):
    ModelVersion.objects.filter(pk=version.pk).update(description="")
    make_policy(required_checks=["description"])
    asked = ask(version, alice)
    vote(asked, bob)
    ModelVersion.objects.filter(pk=version.pk).update(description="Trained on May data.")
    assert together(*[lambda: services.reconsider(asked.pk)] * 3) == []
    assert AuditEvent.objects.filter(action=Action.REQUEST_APPROVED).count() == 1
    assert Job.objects.filter(key=advancing.key(asked)).count() == 1


def test_an_objection_dismissed_while_its_author_votes_again_is_settled_once(asked_with_objection, bob, grace):
    errors = together(
        lambda: services.act(asked_with_objection.pk, "dismiss_objection", by=grace, comment="Explained."),
        lambda: vote(asked_with_objection, bob),
    )
    assert now_as(asked_with_objection).state == "approved"
    assert all(isinstance(error, WrongState) for error in errors)


@pytest.fixture
def grace(db):
    return member("grace", ML_ENGINEER)


@pytest.fixture
def asked_with_objection(version, policy, alice, bob) -> ApprovalRequest:
    asked = ask(version, alice)
    vote(asked, bob, "request_changes")
    return asked


def test_fifty_vote_in_the_same_moment_and_each_vote_is_kept(version, alice):
    reviewers = [member(f"reviewer {number}", REVIEWER) for number in range(50)]
    make_policy(required_approvals=10)
    asked = ask(version, alice)
    errors = together(*[lambda person=person: vote(asked, person) for person in reviewers])
    votes = Review.objects.filter(standing=True).count()
    assert (now_as(asked).state, votes, len(errors)) == ("approved", 10, 40)
    assert {type(error) for error in errors} <= {WrongState, Conflict}
    assert AuditEvent.objects.filter(action=Action.REQUEST_APPROVED).count() == 1
    assert Job.objects.filter(key=advancing.key(asked)).count() == 1
    assert chain.first_misfit(AuditEvent.objects.order_by("id")) is None


def test_many_asked_for_twice_in_the_same_moment_are_asked_for_once(model, policy, alice, bob, erin):
    items = [Asked(make_version(model, number).pk, "Production", reason="Better.") for number in (5, 6, 7)]
    together(lambda: bulk.bulk_submit(items, by=alice), lambda: bulk.bulk_submit(items, by=bob))
    assert ApprovalRequest.objects.count() == 3
