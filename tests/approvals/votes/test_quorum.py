"""People are matched to places so that as many places as possible are filled."""

from itertools import combinations, permutations, product

from hypothesis import given
from hypothesis import strategies as st

from apps.approvals import quorum
from apps.approvals.quorum import Demand

PEOPLE = st.frozensets(st.integers(1, 5), max_size=5)
DEMANDS = st.lists(st.tuples(st.integers(1, 2), PEOPLE), max_size=3).map(
    lambda rows: [Demand(rule, needed, people) for rule, (needed, people) in enumerate(rows)]
)
VOTES = st.lists(st.integers(1, 5), max_size=5)


def filled(found: dict[int, list[int]]) -> int:
    return sum(len(people) for people in found.values())


def most_places(demands: list[Demand], votes: set[int]) -> int:
    """Try every way to hand out the places."""
    places = [row for row in demands for _place in range(row.needed)]
    for size in range(min(len(places), len(votes)), 0, -1):
        for chosen, people in product(combinations(places, size), permutations(sorted(votes), size)):
            if all(person in row.people for row, person in zip(chosen, people, strict=True)):
                return size
    return 0


@given(DEMANDS, VOTES)
def test_as_many_places_are_filled_as_any_seating_fills(demands, votes):
    assert filled(quorum.seats(demands, votes)) == most_places(demands, set(votes))


@given(DEMANDS, VOTES)
def test_everybody_sits_where_they_may_and_once(demands, votes):
    found = quorum.seats(demands, votes)
    seated = [person for people in found.values() for person in people]
    assert sorted(seated) == sorted(set(seated))
    assert all(set(found[row.rule]) <= row.people & set(votes) for row in demands)
    assert all(len(found[row.rule]) <= row.needed for row in demands)


@given(DEMANDS, VOTES)
def test_the_order_of_the_votes_changes_nothing(demands, votes):
    assert quorum.seats(demands, votes) == quorum.seats(demands, list(reversed(votes)))


def test_bob_leaves_the_seat_that_only_erin_can_take_where_the_first_fit_would_have_put_him():
    bob, erin = 1, 2
    anybody, risk = Demand(10, 1, frozenset({bob, erin})), Demand(20, 1, frozenset({bob}))
    assert quorum.seats([anybody, risk], [bob, erin]) == {10: [erin], 20: [bob]}
    assert quorum.complete([anybody, risk], quorum.seats([anybody, risk], [erin, bob]))


def test_one_person_fills_a_place_in_every_rule_where_the_policy_lets_them():
    both = [Demand(10, 1, frozenset({1})), Demand(20, 1, frozenset({1}))]
    assert quorum.complete(both, quorum.seats(both, [1], several=True))
    assert not quorum.complete(both, quorum.seats(both, [1]))


def test_no_rule_at_all_is_never_complete():
    assert not quorum.complete([], {})
