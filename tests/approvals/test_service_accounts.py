"""A service account signs off nothing: not by a role, not for somebody, not past the services."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.bounds import PERSONS_ALONE
from apps.accounts.models import User
from apps.accounts.roles import EMERGENCY, ML_ENGINEER, REVIEWER
from apps.accounts.services import create_service_account
from apps.approvals import eligibility, services
from apps.approvals.delegating import services as delegations
from apps.approvals.drift import services as drift
from apps.approvals.models import (
    AfterReview,
    Bypass,
    Delegation,
    DriftFinding,
    Recertification,
    RequestState,
    Review,
    Waiver,
)
from apps.approvals.policies import solving
from apps.approvals.transitions import TRANSITIONS, RequestAction, refusal, transition_of
from apps.audit.models import AuditEvent
from apps.errors import RuleViolation
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member

SAYS = "A person has to do this."


@pytest.fixture
def machine(admin) -> User:
    account = create_service_account("ci", by=admin)
    for role in (ML_ENGINEER, REVIEWER, EMERGENCY):
        account.groups.add(member(f"of {role.name}", role).groups.get())
    return User.objects.get(pk=account.pk)


@pytest.fixture
def asked(machine, alice, erin):
    make_policy()
    version = make_version(make_model(), 2)
    return services.open_request(version.pk, "Production", reason="Better.", by=alice)


def test_its_review_is_refused_and_the_attempt_recorded(asked, machine):
    with pytest.raises(RuleViolation) as caught:
        services.act(asked.pk, RequestAction.APPROVE, by=machine, evidence_digest=asked.evidence_digest)
    event = AuditEvent.objects.latest("id")
    assert (SAYS in caught.value.message, Review.objects.count()) == (True, 0)
    assert (event.actor, event.outcome, event.actor_role.split(", ")[0]) == ("ci", "refused", "service_account")


@pytest.mark.parametrize(
    "action",
    [row.action for row in TRANSITIONS.values() if row.permission in PERSONS_ALONE] + [RequestAction.DISMISS_OBJECTION],
)
def test_it_decides_nothing_whatever_its_roles(asked, machine, action):
    asked.state = RequestState.CHANGES_REQUESTED
    refused = refusal(transition_of(action), asked, machine)
    assert isinstance(refused, RuleViolation)
    assert SAYS in refused.message


def test_it_counts_as_nobody_who_could_sign(asked, machine, erin):
    assert machine.pk not in eligibility.able(asked)
    slots = solving.who_could(asked.policy, asked.version, asked.requester).slots
    assert machine not in {person for slot in slots for person in slot.people}


def test_a_policy_that_only_it_could_meet_is_unsolvable(machine, alice):
    group = machine.groups.create(name="robots")
    version = make_version(make_model(), 2)
    policy = make_policy(group=group)
    assert not solving.who_could(policy, version, alice).solvable


def test_it_is_nobodys_delegate(asked, machine, erin):
    with pytest.raises(RuleViolation) as caught:
        delegations.give("ci", by=erin, ends_at=timezone.now() + timedelta(days=1))
    assert (caught.value.field, Delegation.objects.count()) == ("delegate", 0)
    assert machine.pk not in eligibility.speakers(asked).values_list("pk", flat=True)


def test_it_accepts_no_drift(asked, machine):
    finding = DriftFinding.objects.create(model=asked.version.model, version=asked.version, kind="artifacts")
    with pytest.raises(RuleViolation):
        drift.act(finding.pk, "accept", by=machine, reason="Agreed.")
    finding.refresh_from_db()
    assert finding.state == "open"


def test_it_asks_like_anybody_who_may(machine):
    make_policy()
    version = make_version(make_model(), 2)
    request = services.open_request(version.pk, "Production", reason="Passed.", by=machine)
    assert (request.state, request.requester) == (RequestState.OPEN, machine)


def rows(request, machine: User, person: User):
    now, later = timezone.now(), timezone.now() + timedelta(days=1)
    times = {"starts_at": now, "ends_at": later}
    base = {"request": request, "requester": request.requester, "verdict": "approve", "evidence_digest": "0" * 64}
    return {
        "reviewer": lambda: Review.objects.create(reviewer=machine, counts_for=person, **base),
        "counts_for": lambda: Review.objects.create(reviewer=person, counts_for=machine, **base),
        "waived_by": lambda: Waiver.objects.create(
            request=request, check_name="x", reason="x", waived_by=machine, expires_at=later
        ),
        "delegator": lambda: Delegation.objects.create(delegator=machine, delegate=person, **times),
        "delegate": lambda: Delegation.objects.create(delegator=person, delegate=machine, **times),
        "asked_by": lambda: Bypass.objects.create(request=request, asked_by=machine, reason="x", ticket="x"),
        "confirmed_by": lambda: Bypass.objects.create(
            request=request, asked_by=person, confirmed_by=machine, confirmed_at=now, reason="x", ticket="x"
        ),
        "after_review": lambda: AfterReview.objects.create(
            request=request, due_at=later, outcome="ratified", reviewer=machine, reviewed_at=now
        ),
        "recertification": lambda: Recertification.objects.create(
            request=request, reviewer=machine, until=later, evidence_digest="0" * 64
        ),
    }


@pytest.mark.parametrize(
    "column",
    ["reviewer", "counts_for", "waived_by", "delegator", "delegate", "asked_by", "confirmed_by", "after_review",
     "recertification"],
)  # fmt: skip
def test_the_database_refuses_its_signature(asked, machine, erin, column):
    with pytest.raises(IntegrityError), transaction.atomic():
        rows(asked, machine, erin)[column]()


def test_the_database_refuses_to_sign_a_persons_review_over_to_it(asked, machine, erin):
    review = Review.objects.create(
        request=asked, requester=asked.requester, reviewer=erin, counts_for=erin, verdict="approve",
        evidence_digest="0" * 64,
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.filter(pk=review.pk).update(reviewer=machine, counts_for=machine)
