"""Who is told of what happens to a request, of drift and of policies: those concerned, never whoever did it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.roles import REVIEWER
from apps.approvals import services, waivers
from apps.approvals.drift.records import MLFLOW, about, drift_target
from apps.approvals.models import ApprovalRequest, Condition, Delegation, DriftFinding, Waiver
from apps.approvals.records import request_target
from apps.audit.actions import Action, Outcome
from apps.audit.services import Actor, Target, record
from apps.notifications import outbox
from apps.notifications.models import Notification
from apps.registry.models import ModelVersion, RegisteredModel
from tests.builders import make_model, make_policy
from tests.conftest import member
from tests.notifications.conftest import texts

SYSTEM = Actor("system:approvals")


@pytest.fixture
def told(db):
    """Read on in the trail, and return who was told what since the last time: user name → (kind, text)."""
    outbox.fan_out()

    def read() -> dict[str, list[tuple[str, str]]]:
        outbox.fan_out()
        found: dict[str, list[tuple[str, str]]] = {}
        for row in Notification.objects.select_related("user").order_by("event_id", "user__username"):
            found.setdefault(row.user.username, []).append((row.kind, row.sentence))
        Notification.objects.all().delete()
        return found

    return read


def happen(action: Action, target: Target, by: Actor = SYSTEM, **data) -> None:
    with transaction.atomic():
        record(action, by=by, target=target, **data)


def test_a_new_request_is_told_to_those_who_may_review_it(told, bob, erin, charlie, asked):
    text = "alice asks for your review: churn v2 to Production"
    assert told() == {"bob": [("review_needed", text)], "erin": [("review_needed", text)]}


def test_the_notice_leads_to_the_request(told, erin, asked):
    outbox.fan_out()
    assert Notification.objects.get(user=erin).url == f"/requests/{asked.pk}/"


def test_a_person_who_may_not_read_the_model_is_told_nothing(told, bob, asked):
    group = Group.objects.create(name="others")
    grants.set_role(group, [REVIEWER], make_model("other"), model_class=RegisteredModel)
    member("stranger").groups.add(group)
    assert sorted(told()) == ["bob"]


def test_a_verdict_is_told_to_those_involved(told, bob, erin, asked, review):
    told()
    review("request_changes", erin, "Log the data set.")
    assert told() == {"alice": [("decided", "erin asks for changes: churn v2 to Production")]}


def test_the_last_approval_is_told_once(told, bob, asked, review):
    told()
    review("approve", bob)
    assert told() == {"alice": [("decided", "churn v2 to Production has all the approvals it needs")]}


def test_a_rejection_is_told_to_those_involved(told, bob, erin, asked, review):
    review("request_changes", erin, "Log the data set.")
    told()
    review("reject", bob, "The test set leaks.")
    text = "bob rejected churn v2 to Production"
    assert told() == {"alice": [("decided", text)], "erin": [("decided", text)]}


def test_a_withdrawal_is_told_to_those_who_reviewed(told, erin, alice, asked, review):
    review("request_changes", erin, "Log the data set.")
    told()
    services.act(asked.pk, "withdraw", by=alice)
    assert told() == {"erin": [("decided", "alice withdrew the request for churn v2 to Production")]}


CASES = {
    Action.REQUEST_APPLIED: ("decided", "Done: MLflow confirmed churn v2 to Production", ["alice", "erin"]),
    Action.REQUEST_EVIDENCE_CHANGED: (
        "changed", "The evidence for churn v2 to Production changed: reviews were dismissed", ["alice", "erin"],
    ),
    Action.REQUEST_REVIEWS_DISMISSED: (
        "changed", "Reviews of churn v2 to Production were dismissed", ["alice", "erin"],
    ),
    Action.REQUEST_EXPIRED: ("reminder", "The request for churn v2 to Production expired", ["alice", "erin"]),
    Action.REQUEST_REMINDED: ("reminder", "Your review is still wanted: churn v2 to Production", ["bob"]),
    Action.REQUEST_REOPENED: (
        "changed",
        "churn v2 to Production is under review again: what it was approved on no longer holds",
        ["alice", "bob", "erin"],
    ),
    Action.REQUEST_RECERTIFY_DUE: (
        "reminder", "The approval of churn v2 for Production ends soon: certify it anew", ["bob", "erin"],
    ),
    Action.REQUEST_RECERTIFY_OVERDUE: (
        "reminder",
        "The approval of churn v2 for Production has ended and is about to lapse: certify it anew",
        ["alice", "bob", "erin"],
    ),
    Action.REQUEST_LAPSED: (
        "reminder", "The approval of churn v2 for Production lapsed: certify it anew", ["alice", "bob", "erin"],
    ),
    Action.BYPASS_CONFIRMED: (
        "bypass",
        "system:approvals confirmed a bypass of the policy: churn v2 to Production",
        ["alice", "bob", "erin"],
    ),
    Action.AFTER_REVIEW_OVERDUE: (
        "reminder", "The review afterwards of churn v2 to Production is overdue", ["alice", "bob", "erin"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("action", CASES)
def test_what_else_happens_to_a_request_is_told(told, bob, erin, asked, review, action):
    """Erin has said her word, bob has not."""
    review("request_changes", erin, "Log the data set.")
    told()
    happen(action, request_target(asked), dismissed=["frank"])
    kind, text, people = CASES[action]
    assert told() == {name: [(kind, text)] for name in people}


def test_evidence_that_was_only_completed_is_told_to_nobody(told, bob, asked, review):
    review("approve", bob)
    told()
    happen(Action.REQUEST_EVIDENCE_CHANGED, request_target(asked), dismissed=[])
    assert told() == {}


def test_an_approval_that_falls_is_told_to_those_who_can_review_it_now(told, bob, erin, charlie, asked, review):
    review("approve", bob)
    told()
    ModelVersion.objects.filter(pk=asked.version_id).update(metrics={"accuracy": 0.1})
    services.reconsider(asked.pk)
    text = "The evidence for churn v2 to Production changed: reviews were dismissed"
    assert told() == {name: [("changed", text)] for name in ("alice", "bob", "erin")}


def test_an_approval_that_is_lost_without_a_vote_falling_is_told(told, bob, erin, version, alice):
    """The waiver that it rested on has run out."""
    make_policy(required_checks=["signature"], staleness="none", wait_minutes=60)
    ModelVersion.objects.filter(pk=version.pk).update(signature=None)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    waiver = waivers.waive(asked.pk, "signature", reason="Fine.", days=1, by=erin)
    digest = ApprovalRequest.objects.get(pk=asked.pk).evidence_digest
    services.act(asked.pk, "approve", by=bob, evidence_digest=digest)
    told()
    Waiver.objects.filter(pk=waiver.pk).update(expires_at=timezone.now())
    services.reconsider(asked.pk)
    text = "churn v2 to Production is under review again: what it was approved on no longer holds"
    assert told() == {name: [("changed", text)] for name in ("alice", "bob", "erin")}


def test_a_failed_apply_is_told_to_those_who_can_try_again(told, bob, erin, charlie, asked):
    told()
    happen(Action.REQUEST_APPLY_FAILED, request_target(asked), outcome=Outcome.FAILED)
    text = "churn v2 to Production could not be applied"
    assert told() == {"alice": [("failed", text)], "bob": [("failed", text)]}


def test_drift_is_told_to_reviewers_and_those_who_deploy(told, alice, bob, erin, charlie, model, champion):
    finding = DriftFinding.objects.create(model=model, version=champion, kind="stage", expected="None", found="Staging")
    told()
    happen(Action.DRIFT_FOUND, drift_target(finding), MLFLOW, **about(finding))
    text = "MLflow was changed without a decision: churn v1"
    assert told() == {"bob": [("drift", text)], "erin": [("drift", text)]}


def test_a_policy_is_told_to_the_other_admins(told, admin, charlie):
    member("deputy").groups.set(admin.groups.all())
    happen(Action.POLICY_PUBLISHED, Target("policy", "Staging policy"), Actor("admin"))
    assert told() == {"deputy": [("policy", "admin published the Staging policy")]}


def test_a_freeze_is_told_to_those_who_deploy_too(told, admin, bob, charlie):
    happen(Action.FREEZE_SET, Target("freeze", "Year's end"), Actor("admin"))
    assert told() == {"bob": [("policy", "admin set a freeze: Year's end")]}


def test_who_speaks_for_a_reviewer_is_told_too(told, bob, charlie, version, policy, alice):
    now = timezone.now()
    lent = {"starts_at": now - timedelta(days=1), "ends_at": now + timedelta(days=1)}
    row = Delegation.objects.create(delegator=bob, delegate=charlie, **lent)
    happen(Action.DELEGATION_GIVEN, Target("delegation", f"delegation {row.pk}"), Actor("bob"))
    assert told() == {"charlie": [("other", "charlie may review for bob from now on")]}
    services.open_request(version.pk, "Production", reason="Better.", by=alice)
    assert sorted(told()) == ["bob", "charlie"]


def test_who_is_to_meet_a_condition_is_told(told, bob, erin, charlie, asked, review):
    review("request_changes", erin, "Log the data set.")
    given = asked.reviews.get()
    Condition.objects.create(review=given, text="Retrain.", owner=charlie, due_at=timezone.now() + timedelta(days=9))
    told()
    happen(Action.REQUEST_REVIEWED, request_target(asked), Actor("erin"), asked="approve", review=given.pk)
    assert told() == {
        "alice": [("decided", "erin approved churn v2 to Production")],
        "charlie": [("reminder", "erin approved churn v2 to Production on conditions that you are to meet")],
    }


def test_a_rollback_is_told_to_those_who_are_to_review_it(told, bob, erin, asked):
    told()
    happen(Action.ROLLBACK_ASKED, request_target(asked), Actor("bob"))
    text = "bob rolls back to churn v2 in Production: it is to be reviewed afterwards"
    assert told() == {"alice": [("review_needed", text)], "erin": [("review_needed", text)]}


@pytest.mark.parametrize("target", ["request", "request x", "request ²", "request 99999", "version 1"])
def test_an_event_about_no_request_tells_nobody(told, bob, target):
    happen(Action.REQUEST_APPLIED, Target("request", target))
    assert told() == {}


def test_every_action_that_is_told_has_words_that_fit(told, erin, asked):
    outbox.fan_out()
    assert [text for text in texts(erin) if "%" in text] == []
