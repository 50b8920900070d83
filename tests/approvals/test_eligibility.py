"""Whose review counts, and what becomes of the reviews of those who may no longer give one."""

import pytest
from django.contrib.auth.models import Group

from apps.approvals import eligibility, queries, services
from apps.approvals.models import ApprovalRequest, Review
from apps.approvals.queue import queries as queue
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.errors import RuleViolation
from apps.registry.models import ModelVersion
from tests.builders import make_policy

TRAINED_BY_BOB = (
    {"run": {"user": "bob"}},
    {"run": {"tags": {"mlflow.user": "bob"}}},
    {"tags": {"mlflow.user": "bob"}},
)


def ask(version, by) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Better.", by=by)


def approve(asked: ApprovalRequest, by) -> ApprovalRequest:
    return services.act(asked.pk, "approve", by=by, evidence_digest=asked.evidence_digest)


def counted(version, policy, requester) -> list[str]:
    request = ApprovalRequest(version=version, policy=policy, requester=requester)
    return sorted(eligibility.eligible_reviewers(request).values_list("username", flat=True))


def test_who_counts_is_in_the_group_and_holds_the_duty(version, alice, bob, erin, charlie):
    group = Group.objects.create(name="risk office")
    group.user_set.add(bob, charlie)
    anyone, members = make_policy(), make_policy("Staging", group=group)
    assert counted(version, anyone, alice) == ["bob", "erin"]
    assert counted(version, anyone, bob) == ["erin"]
    assert counted(version, members, alice) == ["bob"]


@pytest.mark.parametrize("fields", TRAINED_BY_BOB)
def test_who_trained_the_version_does_not_count(version, policy, alice, bob, erin, fields):
    ModelVersion.objects.filter(pk=version.pk).update(**fields)
    version.refresh_from_db()
    assert counted(version, policy, alice) == ["erin"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    list(zip(TRAINED_BY_BOB, ("You trained", "You trained", "You registered"), strict=True)),
)
def test_who_made_the_version_does_not_review_it(version, policy, alice, bob, erin, fields, sentence):
    ModelVersion.objects.filter(pk=version.pk).update(**fields)
    asked = ask(version, alice)
    sentence = f"{sentence} this version, so somebody else has to review it."
    with pytest.raises(RuleViolation, match=sentence):
        approve(asked, bob)
    offers = {offer.action: offer.refusal for offer in queries.allowed_actions(asked, bob)}
    assert [offers[action] for action in ("approve", "request_changes", "reject")] == [sentence] * 3
    assert [list(queue.waiting_for(person)) for person in (bob, erin)] == [[], [asked]]
    assert queries.who_could_approve(asked) == [erin]


@pytest.mark.parametrize("fields", [{"run": {}}, {"run": {"user": None, "tags": None}}, {"tags": {"mlflow.user": 5}}])
def test_a_version_without_a_trainer_excludes_nobody_else(version, policy, alice, bob, fields):
    ModelVersion.objects.filter(pk=version.pk).update(**fields)
    asked = ask(version, alice)
    assert list(queue.waiting_for(bob)) == [asked]
    assert approve(asked, bob).state == "approved"


def test_a_policy_that_only_the_trainer_could_meet_is_said_before_anybody_waits(version, policy, alice, bob):
    ModelVersion.objects.filter(pk=version.pk).update(run={"user": "bob"})
    with pytest.raises(RuleViolation, match="nobody could fill it"):
        ask(version, alice)


def lose(person, how: str) -> None:
    if how == "duty":
        person.groups.clear()
    else:
        type(person).objects.filter(pk=person.pk).update(is_active=False)


@pytest.mark.parametrize("how", ["duty", "account"])
def test_an_objection_of_somebody_who_may_no_longer_review_lapses_at_the_next_review(asked, review, bob, erin, how):
    review("request_changes", bob, "Explain.")
    lose(bob, how)
    asked = ApprovalRequest.objects.get(pk=asked.pk)
    assert queries.why_blocked(asked)[0] == (
        "Bob asked for changes and can no longer review, so somebody else has to: the next review by another reviewer "
        "decides."
    )
    assert review("approve", erin).state == "approved"
    objection = Review.objects.get(reviewer=bob)
    assert (objection.standing, objection.dismissed_because) == (
        False,
        "This reviewer can no longer review this request.",
    )
    event = AuditEvent.objects.get(action=Action.REQUEST_REVIEWS_DISMISSED)
    assert (event.actor, event.data["dismissed"], event.data["version"]) == ("system:approvals", ["bob"], "churn v2")


def test_a_lapsed_objection_does_not_hold_up_who_approved_before(asked, review, bob, erin):
    review("request_changes", bob, "Explain.")
    review("approve", erin)
    bob.groups.clear()
    assert queries.who_could_approve(ApprovalRequest.objects.get(pk=asked.pk)) == [erin]
    assert review("approve", erin).state == "approved"


def test_an_objection_in_force_still_blocks(asked, review, bob, erin):
    review("request_changes", bob, "Explain.")
    assert review("approve", erin).state == "changes_requested"


def test_a_lapsed_approval_is_said_and_not_counted(version, alice, bob, erin):
    make_policy(required_approvals=2)
    asked = ask(version, alice)
    approve(asked, bob)
    bob.groups.clear()
    sentences = queries.why_blocked(asked)
    assert sentences[:2] == [
        "Bob approved and can no longer review. The approval does not count.",
        "0 of 2 approvals given. It needs reviewers of this model.",
    ]
