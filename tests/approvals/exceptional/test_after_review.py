from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import timers
from apps.approvals.exceptional import after_review
from apps.approvals.models import AfterReview, ApprovalRequest
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.registry.models import ModelVersion
from tests.approvals.exceptional.conftest import applied
from tests.builders import make_policy
from tests.conftest import PASSWORD


def review(number: int, outcome: str, *, by, **words) -> AfterReview:
    words = {"evidence_digest": ApprovalRequest.objects.get(pk=number).evidence_digest} | words
    return after_review.review(number, outcome, by=by, **words)


def overdue() -> None:
    AfterReview.objects.update(due_at=timezone.now() - timedelta(minutes=1))


def test_a_reviewer_ratifies_with_a_comment(bypassed, erin):
    row = review(bypassed.pk, "ratified", comment="It was right.", by=erin)
    assert (row.outcome, row.reviewer, row.comment) == ("ratified", erin, "It was right.")
    event = AuditEvent.objects.get(action=Action.AFTER_REVIEW_DONE)
    assert (event.reason, event.data["outcome_of_review"], event.data["late"]) == ("It was right.", "ratified", False)


@pytest.mark.parametrize(("digest", "error"), [(None, InvalidInput), ("0" * 64, Conflict)])
def test_it_names_the_evidence_that_was_read(bypassed, erin, digest, error):
    with pytest.raises(error) as caught:
        review(bypassed.pk, "ratified", comment="Fine.", evidence_digest=digest, by=erin)
    assert (caught.value.field, AfterReview.objects.get().outcome) == ("evidence_digest", "")


def test_it_keeps_the_evidence_that_was_read(bypassed, erin):
    row = review(bypassed.pk, "ratified", comment="Fine.", by=erin)
    event = AuditEvent.objects.get(action=Action.AFTER_REVIEW_DONE)
    assert row.evidence_digest == event.data["evidence_digest"] == bypassed.evidence_digest


@pytest.mark.parametrize("password", ["", "wrong"])
def test_where_the_policy_wants_the_password_it_is_asked_for(bypassed, erin, password):
    ApprovalRequest.objects.update(policy=make_policy("Staging", sign_with="password"))
    with pytest.raises(InvalidInput) as caught:
        review(bypassed.pk, "ratified", comment="Fine.", password=password, by=erin)
    assert (caught.value.field, AfterReview.objects.get().outcome) == ("password", "")
    review(bypassed.pk, "ratified", comment="Fine.", password=PASSWORD, by=erin)
    done = AuditEvent.objects.get(action=Action.AFTER_REVIEW_DONE, outcome=Outcome.DONE)
    assert done.data["confirmed_with"] == "password"


def test_it_is_said_once(bypassed, erin):
    review(bypassed.pk, "not_ratified", comment="No.", by=erin)
    with pytest.raises(Conflict, match="Erin reviewed this afterwards already"):
        review(bypassed.pk, "ratified", comment="Yes.", by=erin)


@pytest.mark.parametrize(
    ("outcome", "comment", "field"), [("", "Fine.", "outcome"), ("fine", "x", "outcome"), ("ratified", " ", "comment")]
)
def test_it_takes_an_outcome_and_a_comment(bypassed, erin, outcome, comment, field):
    with pytest.raises(InvalidInput) as caught:
        review(bypassed.pk, outcome, comment=comment, by=erin)
    assert caught.value.field == field


def test_nobody_reviews_what_they_answer_for(bypassed, bob):
    with pytest.raises(RuleViolation, match="You answer for this bypass"):
        review(bypassed.pk, "ratified", comment="Mine.", by=bob)


def test_nobody_reviews_what_they_trained(bypassed, erin):
    ModelVersion.objects.update(run={"user": "erin"})
    with pytest.raises(RuleViolation, match="You trained this version"):
        review(bypassed.pk, "ratified", comment="Mine.", by=erin)


def test_it_takes_the_reviewers_duty(bypassed, charlie, mallory):
    with pytest.raises(NotAllowed):
        review(bypassed.pk, "ratified", comment="Fine.", by=charlie)
    with pytest.raises(NotVisible):
        review(bypassed.pk, "ratified", comment="Fine.", by=mallory)


def test_what_is_not_applied_yet_is_not_reviewed(ask, confirm, asked, erin):
    ask()
    confirm()
    with pytest.raises(WrongState):
        review(asked.pk, "ratified", comment="Early.", by=erin)


def test_what_was_voted_on_owes_none(asked, erin):
    with pytest.raises(Conflict, match="owes no review"):
        review(applied(asked).pk, "ratified", comment="Fine.", by=erin)


def test_the_timer_tells_once_that_it_is_overdue(bypassed):
    overdue()
    assert [timers.tend(), timers.tend()] == [1, 0]
    event = AuditEvent.objects.get(action=Action.AFTER_REVIEW_OVERDUE)
    assert (event.target, event.data["bypassed"]) == (f"request {bypassed.pk}", True)
    assert AfterReview.objects.get().overdue_at is not None


def test_what_is_not_due_is_left_alone(bypassed):
    assert timers.tend() == 0


def test_what_was_never_applied_owes_nothing(bypassed):
    overdue()
    ApprovalRequest.objects.update(state="withdrawn")
    assert timers.tend() == 0


def test_late_is_better_than_never(bypassed, erin):
    overdue()
    timers.tend()
    review(bypassed.pk, "ratified", comment="Late.", by=erin)
    assert AuditEvent.objects.get(action=Action.AFTER_REVIEW_DONE).data["late"] is True
