"""Who fills which rule: a maximum matching of people to the places that the rules demand. Pure.

First-fit can seat a person where only they are not needed and leave another rule empty for ever; a maximum matching
finds a seating of everybody whenever there is one (Kuhn's augmenting paths).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Demand:
    """What one rule wants: `needed` distinct people out of `people` (any keys that can be compared)."""

    rule: int
    needed: int
    people: frozenset[int]


def seats(demands: Iterable[Demand], votes: Iterable[int], *, several: bool = False) -> dict[int, list[int]]:
    """Return for each rule who fills it, at most `needed` people, so that as many places as possible are filled.

    Each person fills one place, unless `several` lets them fill one in every rule. The answer depends on the sets
    alone, not on the order of the votes.
    """
    demands, votes = list(demands), sorted(set(votes))
    if several:
        return {row.rule: [person for person in votes if person in row.people][: row.needed] for row in demands}
    places = [row for row in demands for _place in range(min(row.needed, len(votes)))]
    taken: dict[int, int] = {}  # place → person
    for person in votes:
        _seat(person, places, taken, set())
    found: dict[int, list[int]] = {row.rule: [] for row in demands}
    for place, person in sorted(taken.items()):
        found[places[place].rule].append(person)
    return {rule: sorted(people) for rule, people in found.items()}


def complete(demands: Iterable[Demand], filled: Mapping[int, list[int]]) -> bool:
    """Return whether every rule has all its people. No rule at all is never complete: a missing rule denies."""
    demands = list(demands)
    return bool(demands) and all(len(filled.get(row.rule, [])) >= row.needed for row in demands)


def solvable(demands: Iterable[Demand], *, several: bool = False) -> bool:
    """Return whether the rules could be filled if everybody who may vote approved."""
    demands = list(demands)
    everybody = {person for row in demands for person in row.people}
    return complete(demands, seats(demands, everybody, several=several))


def _seat(person: int, places: list[Demand], taken: dict[int, int], tried: set[int]) -> bool:
    """Seat a person, moving others to other places where that makes room; return whether it worked."""
    for place, row in enumerate(places):
        if place in tried or person not in row.people:
            continue
        tried.add(place)
        if place not in taken or _seat(taken[place], places, taken, tried):
            taken[place] = person
            return True
    return False
