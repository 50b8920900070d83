"""An approval with conditions counts until one of them is overdue."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import conditions, eligibility, services, timers
from apps.approvals.conditions.queries import conditions_of
from apps.approvals.models import ApprovalRequest, Condition, Review
from apps.approvals.signing import ConditionTerms, Signing
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotVisible, RuleViolation, WrongState
from tests.builders import make_policy


def terms(**values) -> ConditionTerms:
    """Charlie checks the drift report within a week, unless a test says otherwise."""
    due = timezone.now() + timedelta(days=7)
    return ConditionTerms(**{"text": "Check the drift report.", "owner": "charlie", "due": due} | values)


@pytest.fixture
def condition(asked, sign, bob, charlie) -> Condition:
    """The condition of bob's approval, which approved the request."""
    return sign(bob, conditions=(terms(),)).conditions.get()


def overdue(condition: Condition) -> None:
    Condition.objects.filter(pk=condition.pk).update(due_at=timezone.now() - timedelta(seconds=1))


def now(asked) -> ApprovalRequest:
    return ApprovalRequest.objects.get(pk=asked.pk)


def test_an_approval_counts_with_its_condition(asked, condition, charlie):
    assert (condition.owner, condition.severity, now(asked).state) == (charlie, "medium", "approved")
    event = AuditEvent.objects.get(action=Action.REQUEST_REVIEWED)
    assert event.data["conditions"] == ["Check the drift report."]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"owner": "nobody"}, "cannot own a condition"),
        ({"owner": "mallory"}, "cannot own a condition"),
        ({"text": " "}, "Write a sentence"),
        ({"severity": "odd"}, "no such severity"),
        ({"due": timezone.now() - timedelta(days=1)}, "due in the future"),
    ],
)
def test_a_condition_that_nobody_could_meet_is_refused(asked, sign, bob, charlie, mallory, values, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        sign(bob, conditions=(terms(**values),))
    assert (refused.value.field, Review.objects.count()) == ("conditions", 0)


def test_only_an_approval_has_conditions(asked, sign, bob, charlie):
    with pytest.raises(InvalidInput, match="Only an approval has conditions"):
        sign(bob, "request_changes", "Hm.", conditions=(terms(),))


def test_more_than_twenty_conditions_are_a_request_for_changes(asked, sign, bob, charlie):
    with pytest.raises(InvalidInput, match="20 conditions at most"):
        sign(bob, conditions=tuple(terms() for _number in range(21)))


@pytest.mark.parametrize("who", ["charlie", "bob"])
def test_owner_and_reviewer_can_say_that_it_is_met(condition, bob, charlie, who):
    met = conditions.meet(condition.pk, note="No drift.", by={"bob": bob, "charlie": charlie}[who])
    assert (met.met_by, met.note) == (who, "No drift.")
    event = AuditEvent.objects.get(action=Action.CONDITION_MET)
    assert (event.actor, event.reason, event.data["condition"]) == (who, "No drift.", condition.pk)


def test_nobody_else_says_that_it_is_met(condition, alice, mallory):
    with pytest.raises(RuleViolation, match="by its owner, or by whoever set it"):
        conditions.meet(condition.pk, note="Sure.", by=alice)
    with pytest.raises(NotVisible):
        conditions.meet(condition.pk, note="Sure.", by=mallory)


def test_it_is_met_once_and_with_a_note(condition, bob):
    with pytest.raises(InvalidInput):
        conditions.meet(condition.pk, note=" ", by=bob)
    conditions.meet(condition.pk, note="No drift.", by=bob)
    with pytest.raises(Conflict, match="met already"):
        conditions.meet(condition.pk, note="Again.", by=bob)


def test_an_overdue_condition_revokes_the_approval_and_the_request_goes_back_to_review(asked, condition):
    overdue(condition)
    assert conditions.revoke_overdue() == 1
    vote = Review.objects.get()
    assert (now(asked).state, vote.standing, vote.dismissed_because) == (
        "open",
        False,
        "Its condition is overdue: Check the drift report.",
    )
    event = AuditEvent.objects.get(action=Action.CONDITION_OVERDUE)
    assert (event.actor, event.data["owner"], event.data["dismissed"], event.data["after"]) == (
        "system:approvals",
        "charlie",
        ["bob"],
        {"state": "open"},
    )


def test_it_is_revoked_once(asked, condition):
    overdue(condition)
    assert [conditions.revoke_overdue(), conditions.revoke_overdue()] == [1, 0]


def test_the_timers_revoke_it(asked, condition):
    overdue(condition)
    assert conditions.revoke_overdue in timers.TIMERS
    timers.tend()
    assert now(asked).state == "open"


def test_what_is_met_is_never_overdue(asked, condition, charlie):
    conditions.meet(condition.pk, note="No drift.", by=charlie)
    overdue(condition)
    assert (conditions.revoke_overdue(), now(asked).state) == (0, "approved")


def test_an_overdue_approval_counts_no_more_even_before_the_timer_comes(asked, condition):
    overdue(condition)
    assert not eligibility.enough_approvals(now(asked))
    services.reconsider(asked.pk)
    assert now(asked).state == "open"


def test_a_condition_met_late_makes_the_approval_count_again(version, alice, bob, erin, charlie):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    signing = Signing(conditions=(terms(),))
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest, signing=signing)
    condition = Condition.objects.get()
    overdue(condition)
    conditions.meet(condition.pk, note="A day late.", by=charlie)
    services.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)
    assert now(asked).state == "approved"


def test_an_overdue_condition_of_an_applied_move_lapses_its_approval(asked, condition):
    ApprovalRequest.objects.filter(pk=asked.pk).update(state="applied", closed_at=timezone.now())
    overdue(condition)
    assert conditions.revoke_overdue() == 1
    request = now(asked)
    assert (request.state, request.lapsed_at is not None, Review.objects.get().standing) == ("applied", True, True)


def test_a_closed_request_has_nothing_to_revoke(asked, condition, alice):
    services.act(asked.pk, "withdraw", by=alice)
    overdue(condition)
    assert conditions.revoke_overdue() == 0


def test_a_replaced_approval_takes_its_conditions_with_it(version, alice, bob, erin, charlie):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    digest = asked.evidence_digest
    services.act(asked.pk, "approve", by=bob, evidence_digest=digest, signing=Signing(conditions=(terms(),)))
    services.act(asked.pk, "request_changes", by=bob, comment="Wait.", evidence_digest=digest)
    condition = Condition.objects.get()
    assert [row.state for row in conditions_of(asked, charlie)] == ["moot"]
    with pytest.raises(WrongState):
        conditions.meet(condition.pk, note="Done.", by=charlie)


def test_the_owner_meets_it_on_the_page_of_the_request(client, asked, condition, charlie, alice):
    client.force_login(alice)
    assert "How it was met" not in client.get(f"/requests/{asked.pk}/").content.decode()
    client.force_login(charlie)
    page = client.get(f"/requests/{asked.pk}/").content.decode()
    assert ("Check the drift report." in page, "How it was met" in page) == (True, True)
    sent = client.post(f"/conditions/{condition.pk}/meet/", {"note": "No drift."})
    assert sent["Location"] == f"/requests/{asked.pk}/#conditions"
    assert "Charlie" in client.get(f"/requests/{asked.pk}/").content.decode()


def test_conditions_over_the_api(client, asked, bob, charlie):
    client.force_login(bob)
    due = (timezone.now() + timedelta(days=7)).isoformat()
    said = {"verdict": "approve", "evidence_digest": asked.evidence_digest}
    said["conditions"] = [{"text": "Check the drift report.", "owner": "charlie", "due": due, "severity": "high"}]
    assert (
        client.post(f"/api/v1/requests/{asked.pk}/reviews/", said, content_type="application/json").status_code == 201
    )
    client.force_login(charlie)
    (row,) = client.get(f"/api/v1/requests/{asked.pk}/conditions/").json()["results"]
    assert (row["owner"], row["severity"], row["met_at"]) == ("charlie", "high", None)
    url = f"/api/v1/conditions/{row['id']}/meet/"
    met = client.post(url, {"note": "No drift."}, content_type="application/json")
    assert (met.status_code, met.json()["met_by"]) == (200, "charlie")
