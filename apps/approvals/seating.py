"""Who fills which rule of a request, and who could: as the page, the API and the print show it. Nothing decides."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.accounts.models import User
from apps.approvals import eligibility, quorum
from apps.approvals.models import UNFINISHED, ApprovalRequest, PolicyRule, Review, Verdict
from apps.approvals.policies.solving import rule_name
from apps.approvals.quorum import Demand


@dataclass(frozen=True)
class Seats:
    """One rule: the approvals that fill it, and whose approval could fill what is left."""

    rule: PolicyRule
    reviews: list[Review]
    could: list[User]

    @property
    def name(self) -> str:
        """What the rule is called."""
        return rule_name(self.rule)

    @property
    def open(self) -> range:
        """The places that nobody fills yet, to count through."""
        return range(max(self.rule.needed - len(self.reviews), 0))


def seating(request: ApprovalRequest, reviews: Iterable[Review]) -> list[Seats]:
    """Return each rule of a request with who fills it, in the policy's order; three queries.

    `reviews` are all of the request's. Until it is finished, only approvals of people who may give them at this moment
    count; afterwards the seats are shown with those who were in them.
    """
    if request.policy is None:
        return []
    approvals = [review for review in reviews if review.standing and review.verdict == Verdict.APPROVE]
    demands = eligibility.demands(request)
    unfinished = request.state in UNFINISHED
    votes = [review.counts_for_id for review in approvals]
    counted = eligibility.counted(request) if unfinished else votes
    filled = quorum.seats(demands, counted, several=request.policy.several_rules)
    if not unfinished:
        _seat_the_rest(demands, filled, votes)
    by_person = {review.counts_for_id: review for review in approvals}
    people = eligibility.people(request) if unfinished else {}
    rules = {rule.pk: rule for rule in request.policy.rules.all()}
    return [
        Seats(rules[row.rule], [by_person[key] for key in filled[row.rule]], _could(row, votes, people))
        for row in demands
    ]


def _seat_the_rest(demands: list[Demand], filled: dict[int, list[int]], votes: Iterable[int]) -> None:
    """Seat those who were counted then and could not sign any more now, where there is room."""
    seated = {person for people in filled.values() for person in people}
    rest = [person for person in votes if person not in seated]
    for row in demands:
        room = row.needed - len(filled[row.rule])
        filled[row.rule] += rest[:room]
        rest = rest[max(room, 0) :]


def _could(row: Demand, votes: Iterable[int], people: dict[int, User]) -> list[User]:
    spoken = set(votes)
    return [person for key, person in people.items() if key in row.people and key not in spoken]
