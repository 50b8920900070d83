from contextlib import suppress
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import Group
from django.db import connections

from apps.accounts.roles import DATA_SCIENTIST
from apps.approvals import queries, services
from apps.approvals.models import ApprovalRequest, RequestState, Review
from apps.approvals.transitions import TRANSITIONS, RequestAction, transition_of
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotVisible, RuleViolation
from apps.jobs.models import Job
from apps.registry.models import DetailsState, ModelVersion
from tests.approvals.broken_trail import broken_trail
from tests.builders import make_policy, publish_policy
from tests.conftest import member

CLOSED = {"applied", "rejected", "withdrawn", "expired", "superseded"}


def put(asked: ApprovalRequest, state: str) -> None:
    closed = asked.created_at if state in CLOSED else None
    ApprovalRequest.objects.filter(pk=asked.pk).update(state=state, closed_at=closed)


def test_every_action_is_in_the_table():
    assert set(TRANSITIONS) == set(RequestAction)


def test_an_unknown_action_is_refused(asked, bob, review):
    with pytest.raises(InvalidInput):
        review("merge", bob)


def test_the_last_approval_approves_and_asks_for_the_apply(asked, bob, review):
    review("approve", bob)
    asked.refresh_from_db()
    job = Job.objects.get()
    assert (asked.state, job.kind, job.key) == ("approved", "approvals.apply", f"approvals.apply:{asked.pk}")
    assert list(AuditEvent.objects.order_by("id").values_list("action", "actor")) == [
        (Action.REQUEST_OPENED, "alice"),
        (Action.REQUEST_REVIEWED, "bob"),
        (Action.REQUEST_APPROVED, "bob"),
    ]


def test_two_approvals_come_from_two_people(version, alice, bob, erin):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    approve(asked, bob)
    with pytest.raises(Conflict, match="already approved"):
        approve(asked, bob)
    assert states(asked) == ("open", 1)
    approve(asked, erin)
    assert states(asked) == ("approved", 2)


def approve(asked: ApprovalRequest, by) -> ApprovalRequest:
    return services.act(asked.pk, "approve", by=by, evidence_digest=asked.evidence_digest)


def states(asked: ApprovalRequest) -> tuple[str, int]:
    return ApprovalRequest.objects.get(pk=asked.pk).state, Review.objects.filter(request=asked).count()


def refused(error: type[DomainError], review, *args) -> AuditEvent:
    before = Review.objects.count()
    with pytest.raises(error) as caught:
        review(*args)
    event = AuditEvent.objects.order_by("id").last()
    assert (event.outcome, event.reason) == (Outcome.REFUSED, caught.value.message)
    assert Review.objects.count() == before
    return event


@pytest.mark.parametrize("action", ["approve", "request_changes", "reject"])
def test_nobody_reviews_their_own_request(version, policy, bob, erin, action):
    asked = services.open_request(version.pk, "Production", reason="Mine.", by=bob)
    digest = asked.evidence_digest
    refused(RuleViolation, lambda: services.act(asked.pk, action, by=bob, comment="Good.", evidence_digest=digest))


@pytest.mark.parametrize("action", RequestAction)
def test_a_stranger_is_told_that_there_is_no_request(asked, mallory, review, action):
    event = refused(NotVisible, review, action, mallory)
    assert (event.actor, event.model_id, event.target) == ("mallory", None, f"request {asked.pk}")


@pytest.mark.parametrize("action", RequestAction)
def test_a_viewer_may_do_nothing(asked, charlie, review, action):
    refused(NotAllowed, review, action, charlie)


def test_only_the_group_of_the_policy_counts(version, alice, bob, erin):
    group = Group.objects.create(name="risk office")
    erin.groups.add(group)
    make_policy(group=group)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    refused(RuleViolation, lambda: approve(asked, bob))
    approve(asked, erin)
    assert states(asked) == ("approved", 1)


def test_the_group_without_the_duty_does_not_count(version, alice, bob, charlie):
    group = Group.objects.create(name="risk office")
    group.user_set.add(bob, charlie)
    make_policy(group=group)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    refused(NotAllowed, lambda: approve(asked, charlie))


@pytest.mark.parametrize("action", ["request_changes", "reject"])
def test_an_objection_says_why(asked, bob, review, action):
    assert "sentence" in refused(InvalidInput, review, action, bob, " ").reason


def test_changes_asked_for_block_until_that_reviewer_speaks_again(asked, bob, erin, review):
    review("request_changes", bob, "Explain the new feature.")
    review("approve", erin)
    assert states(asked) == ("changes_requested", 2)
    review("approve", bob)
    assert states(asked) == ("approved", 3)
    assert list(asked.reviews.order_by("id").values_list("verdict", "standing")) == [
        ("request_changes", False),
        ("approve", True),
        ("approve", True),
    ]


def test_asking_for_changes_twice_is_a_conflict(asked, bob, review):
    review("request_changes", bob, "Explain.")
    refused(Conflict, review, "request_changes", bob, "Explain!")


def test_a_rejection_closes(asked, bob, review):
    review("reject", bob, "Leaks the label.")
    asked.refresh_from_db()
    assert (asked.state, asked.closed_at is not None, Job.objects.count()) == ("rejected", True, 0)


@pytest.mark.parametrize("person", ["alice", "bob"])
def test_the_requester_or_an_engineer_withdraws(asked, review, person, request):
    review("withdraw", request.getfixturevalue(person))
    asked.refresh_from_db()
    assert (asked.state, asked.closed_at is not None) == ("withdrawn", True)


def test_another_data_scientist_does_not_withdraw(asked, review):
    refused(NotAllowed, review, "withdraw", member("dan", DATA_SCIENTIST))


def test_a_retry_keeps_the_votes_and_asks_again(asked, alice, bob, review):
    review("approve", bob)
    Job.objects.update(state="failed")
    put(asked, "apply_failed")
    review("retry", alice)
    assert states(asked) == ("approved", 1)
    assert Job.objects.filter(state="queued").count() == 1


def test_a_retry_waits_for_the_end_of_the_attempt_before(asked, alice, bob, review):
    review("approve", bob)
    put(asked, "apply_failed")
    refused(Conflict, review, "retry", alice)


def test_a_review_names_what_was_read(asked, bob):
    with pytest.raises(InvalidInput, match="digest"):
        services.act(asked.pk, "approve", by=bob)
    with pytest.raises(Conflict, match="Read it again"):
        services.act(asked.pk, "approve", by=bob, evidence_digest="0" * 64)


def test_changed_evidence_dismisses_the_sign_offs_for_good(version, alice, bob, erin):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    approve(asked, bob)
    ModelVersion.objects.filter(pk=version.pk).update(metrics={"accuracy": 0.7})
    with pytest.raises(Conflict, match=r"metrics\.accuracy"):
        approve(asked, erin)
    now = ApprovalRequest.objects.get(pk=asked.pk)
    vote = Review.objects.get()
    assert (now.state, now.evidence["metrics"], vote.standing) == ("open", {"accuracy": "0.7"}, False)
    assert "metrics.accuracy" in vote.dismissed_because
    event = AuditEvent.objects.get(action=Action.REQUEST_EVIDENCE_CHANGED)
    assert event.data["changes"] == [
        {"field": "checks.metrics", "before": "pass", "after": "fail"},
        {"field": "metrics.accuracy", "before": "0.9", "after": "0.7"},
    ]
    assert event.data["dismissed"] == ["bob"]
    approve(now, erin)
    assert states(asked) == ("open", 2)


def test_words_changed_in_mlflow_leave_the_sign_offs_alone(version, alice, bob, erin):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    approve(asked, bob)
    ModelVersion.objects.filter(pk=version.pk).update(description="New words", tags={"colour": "red"})
    approve(asked, erin)
    assert states(asked) == ("approved", 2)


def test_unread_evidence_is_not_approved(asked, version, bob, review):
    ModelVersion.objects.filter(pk=version.pk).update(details_state=DetailsState.PENDING)
    with pytest.raises(DomainError, match="being read again"):
        review("approve", bob)


def test_a_deleted_version_can_only_be_withdrawn(asked, version, alice, bob, review):
    ModelVersion.objects.filter(pk=version.pk).update(deleted_at=version.created_at)
    refused(Conflict, review, "approve", bob)
    review("withdraw", alice)
    assert states(asked) == ("withdrawn", 0)


def test_the_vote_of_somebody_who_lost_the_duty_is_not_counted(version, alice, bob, erin):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    approve(asked, bob)
    bob.groups.clear()
    approve(asked, erin)
    assert states(asked) == ("open", 2)


def test_what_is_offered_is_what_act_allows(asked, alice, bob):
    offers = {offer.action: offer.refusal for offer in queries.allowed_actions(asked, bob)}
    assert offers == {"approve": None, "request_changes": None, "reject": None, "withdraw": None}
    offers = {offer.action: offer.refusal for offer in queries.allowed_actions(asked, alice)}
    refusal = str(transition_of("approve").refusal_without_permission)
    assert offers == {"approve": refusal, "request_changes": refusal, "reject": refusal, "withdraw": None}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("needed", "result"), [(1, ("approved", 1)), (2, ("approved", 2))])
def test_two_who_approve_in_the_same_moment_approve_once(version, alice, bob, erin, needed, result):
    make_policy(required_approvals=needed)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    together(lambda person: approve(asked, person), bob, erin)
    assert states(asked) == result
    assert Job.objects.count() == AuditEvent.objects.filter(action=Action.REQUEST_APPROVED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_review_sent_twice_in_the_same_moment_is_one_review(version, alice, bob, erin):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    errors = together(lambda person: approve(asked, person), bob, bob)
    assert (states(asked), [type(error) for error in errors]) == (("open", 1), [Conflict])


def together(act, *people) -> list[DomainError]:
    """Let each person act in a thread of their own at once; return what was refused."""
    barrier, errors = Barrier(len(people)), []

    def run(person) -> None:
        barrier.wait()
        try:
            act(person)
        except DomainError as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", ["approve", "request_changes", "reject", "withdraw"])
def test_a_decision_that_cannot_be_recorded_is_not_made(asked, bob, review, action):
    with broken_trail(), suppress(Exception):
        review(action, bob, "Because.")
    assert (states(asked), Job.objects.count()) == (("open", 0), 0)


def test_open_requests_keep_their_policy_when_another_is_published(asked, policy, admin, bob, review):
    publish_policy("Production", required_approvals=2)
    review("approve", bob)
    assert states(asked) == ("approved", 1)


def test_an_approval_is_refused_when_the_version_is_in_another_stage_by_now(asked, bob, review):
    ModelVersion.objects.filter(pk=asked.version_id).update(stage="Archived")
    blocked = queries.why_blocked(queries.get_request(bob, asked.pk))
    with pytest.raises(Conflict) as caught:
        review("approve", bob)
    assert blocked == [caught.value.message]
    assert caught.value.message.startswith("churn v2 is now in Archived, no longer in Staging")


def test_a_stage_that_assent_is_writing_stops_no_approval(asked, bob, review):
    ModelVersion.objects.filter(pk=asked.version_id).update(stage="Archived", pending_stage="Archived")
    assert review("approve", bob).state == RequestState.APPROVED
