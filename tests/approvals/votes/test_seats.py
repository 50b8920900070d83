"""Rules that compete for people, as a request meets them."""

import pytest
from django.contrib.auth.models import Group

from apps.approvals import blockers, services
from apps.approvals.models import ApprovalRequest
from apps.errors import RuleViolation
from tests.builders import make_policy


def ask(version, by) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Better.", by=by)


def approve(asked: ApprovalRequest, by) -> str:
    return services.act(asked.pk, "approve", by=by, evidence_digest=asked.evidence_digest).state


@pytest.fixture
def legal(erin, frank) -> Group:
    group = Group.objects.create(name="legal")
    group.user_set.set([erin, frank])
    return group


def test_who_satisfies_two_rules_is_seated_where_the_other_one_cannot_sit(version, legal, alice, bob, erin, frank):
    make_policy(rules=[(1, None), (1, legal)])
    asked = ask(version, alice)
    assert [approve(asked, erin), approve(asked, bob)] == ["open", "approved"]


def test_who_satisfies_two_rules_fills_one_of_them(version, legal, alice, erin, frank):
    make_policy(rules=[(1, None), (1, legal)])
    assert approve(ask(version, alice), erin) == "open"


def test_a_policy_with_an_empty_group_is_asked_of_nobody(version, alice, bob):
    make_policy(group=Group.objects.create(name="nobody"))
    with pytest.raises(RuleViolation):
        ask(version, alice)


def test_a_group_that_is_emptied_during_a_request_blocks_it_and_says_so(version, legal, alice, bob, erin, frank):
    make_policy(rules=[(1, legal)])
    asked = ask(version, alice)
    legal.user_set.clear()
    with pytest.raises(RuleViolation):
        approve(asked, erin)
    codes = [row.code for row in blockers.why_blocked(ApprovalRequest.objects.get(pk=asked.pk))]
    assert codes == ["rule", "unsolvable"]
