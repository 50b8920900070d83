"""Would these votes be enough? Worked out the slow way, from what was done, with nothing of the engine's own code."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import permutations

BAD = {"": 0, "pass": 0, "waived": 0, "pending": 0, "fail": 2, "error": 2}


@dataclass(frozen=True)
class Rule:
    """So many people; of a group, where it names one; about parts of the evidence, or all of it."""

    needed: int
    group: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms:
    """What a policy says, as it was drawn."""

    rules: tuple[Rule, ...]
    several_rules: bool = False
    staleness: str = "all"
    exclude_run_owner: bool = True
    exclude_last_editor: bool = True
    required: bool = False  # the check "scan" of a pipeline
    wait_minutes: int = 0
    approval_days: int | None = None


@dataclass(frozen=True)
class Facts:
    """What somebody looks at who signs: the files, a metric, what a pipeline reported."""

    files: str
    accuracy: str
    scan: str = ""


@dataclass(frozen=True)
class Vote:
    """One person's word, `giver`'s own or lent by `voice`, on the facts of that moment."""

    giver: str
    voice: str
    verdict: str
    facts: Facts
    scopes: frozenset[str]  # empty: about everything


def with_vote(votes: Iterable[Vote], vote: Vote) -> list[Vote]:
    """Each person has one word, and each is spoken for once: a later one takes the place of the earlier."""
    return [row for row in votes if row.giver != vote.giver and row.voice != vote.voice] + [vote]


def still_good(terms: Terms, vote: Vote, now: Facts) -> bool:
    """Whether a vote outlives what changed since it was given."""
    if vote.facts.files != now.files:
        return False
    if terms.staleness == "none":
        return True
    changed = {"metrics"} if vote.facts.accuracy != now.accuracy else set()
    changed |= {"checklist"} if BAD[now.scan] > BAD[vote.facts.scan] else set()
    if terms.staleness == "scoped" and vote.scopes:
        changed &= vote.scopes
    return not changed


def satisfied(terms: Terms, votes: Iterable[Vote], now: Facts, may_fill: Callable[[Vote, str], bool]) -> bool:
    """Whether some way of seating the approvals fills every rule, and nobody objects. `may_fill`: (vote, group)."""
    votes = list(votes)
    if any(vote.verdict != "approve" for vote in votes):
        return False
    good = [vote for vote in votes if still_good(terms, vote, now)]
    if terms.several_rules:
        return all(sum(may_fill(vote, rule.group) for vote in good) >= rule.needed for rule in terms.rules)
    places = [rule.group for rule in terms.rules for _ in range(rule.needed)]
    return any(
        all(may_fill(vote, group) for vote, group in zip(seated, places, strict=True))
        for seated in permutations(good, len(places))
    )
