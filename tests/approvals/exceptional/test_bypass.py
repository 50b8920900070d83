from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.roles import ADMIN
from apps.approvals import services
from apps.approvals.exceptional import bypass
from apps.approvals.models import AfterReview, ApprovalRequest, Bypass, FreezeWindow, Review
from apps.approvals.reviewing import reopen
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.jobs.models import Job
from apps.registry.models import ModelVersion
from tests.approvals.exceptional.conftest import REASON
from tests.builders import publish_policy
from tests.conftest import member


def state(asked: ApprovalRequest) -> str:
    return ApprovalRequest.objects.get(pk=asked.pk).state


def test_asking_moves_nothing(ask, asked):
    ask()
    assert (state(asked), Job.objects.filter(kind="approvals.apply").count()) == ("open", 0)
    event = AuditEvent.objects.get(action=Action.BYPASS_ASKED)
    assert (event.actor, event.reason, event.data["ticket"]) == ("bob", REASON, "OPS-17")
    assert event.data["goes_past"] == ["0 of 1 approval given. It needs reviewers of this model."]


def test_a_second_person_confirms_and_it_is_applied_at_once(ask, confirm, asked):
    ask()
    request = confirm()
    assert (request.state, request.bypassed, request.expedited) == ("approved", True, True)
    assert Job.objects.get(kind="approvals.apply").args == {"request_id": asked.pk}
    row = Bypass.objects.get()
    assert (row.asked_by.username, row.confirmed_by.username, row.dropped_at) == ("bob", "admin", None)
    event = AuditEvent.objects.get(action=Action.BYPASS_CONFIRMED)
    assert (event.data["asked_by"], event.data["before"], event.data["after"]) == (
        "bob", {"state": "open"}, {"state": "approved"},
    )  # fmt: skip


def test_a_review_is_owed_within_the_days_of_the_policy(ask, confirm, policy):
    ask()
    request = confirm()
    assert AfterReview.objects.get().due_at == request.approved_at + timedelta(days=policy.after_review_days)


def test_the_trail_holds_no_password(ask, confirm):
    ask()
    confirm()
    texts = [f"{event.data}{event.reason}" for event in AuditEvent.objects.all()]
    assert [text for text in texts if "correct horse" in text] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reason", "It is urgent."),
        ("reason", " " * 40),
        ("ticket", ""),
        ("ticket", "http://x"),
        ("password", ""),
        ("password", "guess"),
        ("evidence_digest", ""),
    ],
)
def test_asking_takes_reason_ticket_password_and_digest(ask, field, value):
    with pytest.raises(InvalidInput) as caught:
        ask(**{field: value})
    assert (caught.value.field, Bypass.objects.count()) == (field, 0)
    assert AuditEvent.objects.get(action=Action.BYPASS_ASKED).outcome == Outcome.REFUSED


def test_confirming_takes_the_password(ask, confirm, asked):
    ask()
    with pytest.raises(InvalidInput) as caught:
        confirm(password="")
    assert (caught.value.field, state(asked)) == ("password", "open")


def test_asking_needs_the_emergency_duty(ask, erin, asked):
    with pytest.raises(NotAllowed, match="emergency duty"):
        ask(erin)


def test_a_stranger_learns_nothing(ask, mallory):
    with pytest.raises(NotVisible):
        ask(mallory)


def test_the_asker_is_not_the_second_person(ask, confirm, bob, asked):
    ask()
    with pytest.raises(RuleViolation, match="You asked for this bypass"):
        confirm(bob)
    assert state(asked) == "open"


def test_the_requester_may_ask_and_not_confirm(ask, confirm, emergency, alice, bob, asked):
    alice.groups.add(emergency)
    requester = User.objects.get(pk=alice.pk)
    ask()
    with pytest.raises(RuleViolation, match="You asked for this promotion"):
        confirm(requester)
    bypass.take_back(asked.pk, by=bob)
    assert ask(requester).asked_by == alice


def test_whoever_trained_the_version_is_not_the_second_person(ask, confirm, admin, asked):
    ModelVersion.objects.update(tags={"mlflow.user": "admin"})
    ask()
    with pytest.raises(RuleViolation, match="You made this version"):
        confirm(admin)


def test_the_database_knows_that_it_takes_two(ask, bob):
    row = ask()
    with pytest.raises(IntegrityError, match="takes_two"):
        Bypass.objects.filter(pk=row.pk).update(confirmed_by=bob, confirmed_at=timezone.now())


def test_one_bypass_at_a_time(ask, admin):
    ask()
    with pytest.raises(Conflict, match="asked for a bypass already"):
        ask(admin)


def test_nothing_is_confirmed_that_nobody_asked_for(confirm):
    with pytest.raises(Conflict, match="No bypass"):
        confirm()


def test_a_bypass_is_not_confirmed_twice(ask, confirm, asked):
    ask()
    confirm()
    with pytest.raises(Conflict, match="No bypass"):
        confirm()


def test_evidence_that_changed_since_it_was_asked_is_named_and_refused(ask, confirm, asked):
    ask()
    ModelVersion.objects.filter(pk=asked.version_id).update(metrics={"accuracy": 0.1})
    with pytest.raises(Conflict, match=r"metrics\.accuracy"):
        confirm()
    assert (state(asked), AfterReview.objects.count()) == ("open", 0)


def test_after_a_change_of_the_evidence_it_is_asked_anew(ask, confirm, asked):
    ask()
    ModelVersion.objects.filter(pk=asked.version_id).update(metrics={"accuracy": 0.1})
    with pytest.raises(Conflict, match="Read it again"):
        ask()
    ask()
    assert (Bypass.objects.count(), Bypass.objects.filter(dropped_at=None).count()) == (2, 1)
    assert confirm().state == "approved"


def test_a_bypass_goes_past_an_objection_and_a_freeze(ask, confirm, review, erin, asked):
    review("request_changes", erin, "Not yet.")
    now = timezone.now()
    FreezeWindow.objects.create(
        name="Year end", starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1), created_by="admin"
    )
    ask()
    assert (confirm().state, Job.objects.filter(kind="approvals.apply").count()) == ("approved", 1)


def test_what_is_approved_and_waits_can_be_bypassed(ask, confirm, asked):
    ApprovalRequest.objects.filter(pk=asked.pk).update(
        state="approved", approved_at=timezone.now(), apply_after=timezone.now() + timedelta(hours=4)
    )
    ask()
    request = confirm()
    assert request.apply_after <= timezone.now()
    assert Job.objects.filter(kind="approvals.apply").count() == 1


def test_what_is_approved_and_about_to_be_applied_has_nothing_to_bypass(ask, review, erin):
    review("approve", erin)
    with pytest.raises(Conflict, match="nothing to bypass"):
        ask()


def test_an_approval_drops_a_bypass_that_nobody_confirmed(ask, confirm, review, erin):
    ask()
    review("approve", erin)
    assert Bypass.objects.get().dropped_at is not None
    assert AuditEvent.objects.get(action=Action.BYPASS_DROPPED).data["asked_by"] == "bob"
    with pytest.raises(Conflict, match="No bypass"):
        confirm()


def test_a_withdrawal_drops_it_too(ask, confirm, asked, alice):
    ask()
    services.act(asked.pk, "withdraw", by=alice)
    assert Bypass.objects.get().dropped_at is not None
    with pytest.raises(WrongState):
        confirm()


def test_who_asked_can_take_it_back(ask, asked, bob):
    ask()
    bypass.take_back(asked.pk, reason="It works again.", by=bob)
    event = AuditEvent.objects.get(action=Action.BYPASS_DROPPED)
    assert (event.reason, Bypass.objects.get().dropped_at is None) == ("It works again.", False)
    assert ask().dropped_at is None


def test_looking_again_leaves_a_bypassed_request_as_it_is(ask, confirm, asked):
    ask()
    confirm()
    ModelVersion.objects.filter(pk=asked.version_id).update(metrics={"accuracy": 0.1})
    assert services.reconsider(asked.pk).state == "approved"


def test_under_review_again_it_takes_its_votes_and_owes_no_review(ask, confirm, asked):
    ask()
    reopen(confirm())
    request = ApprovalRequest.objects.get(pk=asked.pk)
    assert (request.state, request.bypassed, request.expedited) == ("open", False, False)
    assert (AfterReview.objects.count(), Bypass.objects.get().dropped_at is None) == (0, False)
    assert services.reconsider(asked.pk).state == "open"


def test_the_database_lets_nothing_under_review_go_without_votes(asked):
    with pytest.raises(IntegrityError, match="not_expedited"):
        ApprovalRequest.objects.filter(pk=asked.pk).update(expedited=True)


@pytest.mark.parametrize("lost", ["duty", "account"])
def test_the_word_of_an_asker_who_lost_duty_or_account_is_not_confirmed(ask, confirm, emergency, bob, asked, lost):
    ask()
    lose(bob, emergency, lost)
    with pytest.raises(Conflict, match="Bob asked for this bypass and may not do that any more"):
        confirm()
    assert state(asked) == "open"


def test_a_bypass_whose_asker_is_gone_makes_way_for_another(ask, emergency, bob, admin):
    ask()
    lose(bob, emergency, "account")
    assert ask(admin).asked_by == admin
    assert [(row.asked_by.username, row.dropped_at is None) for row in Bypass.objects.order_by("pk")] == [
        ("bob", False),
        ("admin", True),
    ]


def test_the_page_says_that_the_asker_is_gone_and_offers_to_ask_anew(ask, emergency, bob, admin, asked, as_):
    ask()
    lose(bob, emergency, "account")
    page = as_(admin).get(f"/requests/{asked.pk}/").content.decode()
    assert "may not do that any more" in page
    assert ("Look at it and confirm" in page, "Ask for a new bypass" in page) == (False, True)


def lose(person: User, duty: Group, what: str) -> None:
    if what == "duty":
        person.groups.remove(duty)
    else:
        User.objects.filter(pk=person.pk).update(is_active=False)


def follow_the_present(asked: ApprovalRequest, sign_with: str) -> ApprovalRequest:
    """Publish another edition of the policy, and let another admin put the request under it."""
    publish_policy(required_approvals=1, staleness="none", sign_with=sign_with)
    services.act(asked.pk, "repin", by=member("ada", ADMIN), comment="The present one.")
    return ApprovalRequest.objects.get(pk=asked.pk)


@pytest.mark.parametrize(("sign_with", "stands"), [("password", True), ("factor", False)])
def test_a_bypass_that_was_asked_with_less_than_the_present_policy_takes_is_dropped(ask, asked, sign_with, stands):
    ask()
    follow_the_present(asked, sign_with)
    dropped = AuditEvent.objects.filter(action=Action.BYPASS_DROPPED)
    assert (Bypass.objects.get().dropped_at is None, dropped.exists()) == (stands, not stands)
    if not stands:
        assert (dropped.get().actor, dropped.get().reason) == (
            "ada",
            "The present policy asks more of whoever goes past it.",
        )


@pytest.mark.parametrize("voted", [True, False])
def test_a_bypass_that_was_confirmed_with_less_is_no_way_past_the_present_policy(ask, confirm, asked, erin, voted):
    ask()
    confirm()
    if voted:  # with nothing but being signed in
        Review.objects.create(
            request=asked, requester=asked.requester, reviewer=erin, counts_for=erin, reviewer_role="reviewer",
            verdict="approve", evidence_digest=asked.evidence_digest, meaning="approval", signed_name="Erin",
        )  # fmt: skip
    request = follow_the_present(asked, "factor")
    assert (request.state, request.expedited, request.bypassed) == ("open", False, False)
    assert (Bypass.objects.get().dropped_at is None, AfterReview.objects.exists()) == (False, False)


def test_a_confirmed_bypass_goes_back_also_where_strong_votes_are_enough(ask, confirm, asked, erin):
    ask()
    confirm()
    Review.objects.create(
        request=asked, requester=asked.requester, reviewer=erin, counts_for=erin, reviewer_role="reviewer",
        verdict="approve", evidence_digest=asked.evidence_digest, meaning="approval", signed_name="Erin",
        confirmed_with="totp",
    )  # fmt: skip
    request = follow_the_present(asked, "factor")
    assert (request.state, request.expedited, Bypass.objects.get().dropped_at is None) == ("approved", False, False)
