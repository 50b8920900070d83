"""What a request is found by: the seats that are open, who is barred, how far it is."""

import pytest
from django.contrib.auth.models import Group
from hypothesis import given
from hypothesis import strategies as st

from apps.approvals import quorum, services, waiting
from apps.approvals.models import ApprovalRequest
from apps.approvals.quorum import Demand
from tests.builders import make_policy


@pytest.mark.parametrize(
    ("demands", "votes", "several", "expected"),
    [
        ([(1, {7, 8})], [], False, {1}),
        ([(1, {7, 8})], [7], False, set()),
        ([(2, {7, 8})], [7], False, {1}),
        ([(1, {7}), (1, {7, 8})], [7], False, {1, 2}),  # 7 moves over to make room
        ([(1, {7}), (1, {8})], [8], False, {1}),
        ([(1, {7}), (1, {7, 8})], [7], True, set()),
        ([(1, set())], [], False, {1}),
        ([], [], False, set()),
    ],
)
def test_a_rule_wants_somebody_when_one_more_would_fill_a_place(demands, votes, several, expected):
    rows = [Demand(rule, needed, frozenset(people)) for rule, (needed, people) in enumerate(demands, start=1)]
    assert waiting.wanting(rows, votes, several=several) == expected


people = st.frozensets(st.integers(1, 5), max_size=5)


@given(st.lists(st.tuples(st.integers(1, 2), people), min_size=1, max_size=3), people, people)
def test_a_newcomer_helps_exactly_when_one_of_their_rules_wants_somebody(rules, votes, theirs):
    """A person who could fill some rules brings a request further exactly when one of those is among the wanting."""
    newcomer, able = 9, {place for place in range(len(rules)) if place + 1 in theirs}
    rows = [Demand(place, needed, members) for place, (needed, members) in enumerate(rules)]
    joined = [Demand(row.rule, row.needed, row.people | ({newcomer} if row.rule in able else set())) for row in rows]
    filled = [
        sum(map(len, quorum.seats(demands, voters).values()))
        for demands, voters in ((rows, votes), (joined, [*votes, newcomer]))
    ]
    assert (filled[1] > filled[0]) == bool(waiting.wanting(rows, list(votes)) & able)


@pytest.fixture
def groups(bob, erin) -> dict[str, Group]:
    """Bob in Risk, Erin in Validation; both review."""
    found = {name: Group.objects.create(name=name) for name in ("Risk", "Validation")}
    bob.groups.add(found["Risk"])
    erin.groups.add(found["Validation"])
    return found


def test_open_seats_follow_the_votes(version, alice, bob, groups):
    make_policy(rules=[(1, groups["Risk"]), (1, groups["Validation"])])
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    waiting.note(asked)
    assert names(asked) == ["Risk", "Validation"]
    assert asked.tally == {"given": 0, "needed": 2, "checks": 0}
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    asked = ApprovalRequest.objects.get(pk=asked.pk)
    waiting.note(asked)
    assert (names(asked), asked.tally["given"]) == (["Validation"], 1)


def test_a_decided_request_has_no_open_seat(asked, review, bob):
    waiting.note(review("reject", bob, "No."))
    assert (asked.open_seats.count(), asked.barred.count()) == (0, 0)


def test_whoever_trained_the_version_is_barred_where_the_policy_says_so(asked, policy):
    waiting.note(asked)
    assert list(asked.barred.values_list("username", flat=True)) == ["alice"]


def test_noting_twice_changes_nothing(asked):
    for _ in range(2):
        waiting.note(asked)
    assert (asked.open_seats.count(), asked.barred.count()) == (1, 1)


def names(asked: ApprovalRequest) -> list[str]:
    return sorted(asked.open_seats.values_list("group__name", flat=True))
