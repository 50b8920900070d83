"""Was this allowed? Worked out the slow way, from what was done, with nothing of the engine's own code."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import permutations

DAY = 24 * 60  # minutes
BAD = {"": 0, "pass": 0, "waived": 0, "pending": 0, "fail": 2, "error": 2}
STAGE, ALIAS = "Production", "@champion"  # the two governed places


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
    moves_alias: str = ""  # of a stage alone
    revert_drift: bool = False  # of a stage alone


@dataclass(frozen=True)
class Facts:
    """What somebody looks at who signs: the files, a metric, what a pipeline reported."""

    files: str
    accuracy: str
    scan: str = ""

    def with_scan(self, scan: str) -> "Facts":
        return replace(self, scan=scan)


@dataclass(frozen=True)
class Vote:
    """One person's word, `giver`'s own or lent by `voice`, on the facts of that moment."""

    giver: str
    voice: str
    verdict: str
    facts: Facts
    scopes: frozenset[str]  # empty: about everything
    condition: int = 0  # a key of World.conditions; 0: none


@dataclass(frozen=True)
class Report:
    """What a pipeline said of the check, by whom, and until which minute it holds."""

    outcome: str
    detail: str
    reporter: str
    until: int | None


@dataclass(frozen=True)
class Waived:
    """What somebody answered for, and until which minute."""

    outcome: str
    detail: str
    until: int


@dataclass
class Asked:
    """A request, as it was asked, and what was said about it since."""

    number: int
    target: str
    requester: str
    policy: int
    votes: list[Vote] = field(default_factory=list)
    waived: list[Waived] = field(default_factory=list)
    approved: int | None = None  # the minute in which the last requirement was met
    repinned: bool = False  # while it was approved
    bypass: tuple[str, str] | None = None  # who asked and who confirmed
    bypassed_on: Facts | None = None


@dataclass
class World:
    """Who is who and what happened, as it was done. Minutes count from the beginning."""

    members: dict[str, set[str]]  # by group
    trainers: dict[int, str]  # by version
    minute: int = 0
    inactive: set[str] = field(default_factory=set)
    policies: dict[int, Terms] = field(default_factory=dict)
    asked: dict[int, Asked] = field(default_factory=dict)
    reports: dict[int, Report] = field(default_factory=dict)  # the last one, by version
    conditions: dict[int, int | None] = field(default_factory=dict)  # due in that minute; None: met
    lent: dict[int, tuple[str, str, int]] = field(default_factory=dict)  # from, to, until; not taken back
    frozen: list[str] = field(default_factory=list)  # a stage, or "" for every target
    gaps: frozenset[str] = frozenset()  # what is known to be wrong, and not told

    def terms(self, asked: Asked) -> Terms:
        return self.policies[asked.policy]

    def holds(self, name: str, group: str) -> bool:
        return name in self.members[group] and name not in self.inactive

    # The check

    def reported(self, number: int) -> tuple[str, str]:
        """What the check says of a version now, and why. A report whose time is over says nothing good."""
        report = self.reports.get(number)
        if report is None:
            return "", ""
        if report.until is not None and report.until <= self.minute:
            return "error", "expired"
        return report.outcome, report.detail

    def scan(self, asked: Asked) -> str:
        """What the check says to a request: somebody may have answered for just that."""
        said = self.reported(asked.number)
        for row in asked.waived:
            if row.until > self.minute and ("waivers" in self.gaps or (row.outcome, row.detail) == said):
                return said[0] if said[0] == "pass" else "waived"
        return said[0]

    # The people

    def barred(self, asked: Asked) -> set[str]:
        terms, report = self.terms(asked), self.reports.get(asked.number)
        names = {self.trainers[asked.number]} if terms.exclude_run_owner else set()
        return names | ({report.reporter} if terms.exclude_last_editor and report else set())

    def may_sign(self, asked: Asked, name: str) -> bool:
        return name not in {asked.requester, *self.barred(asked), *self.inactive}

    def may_fill(self, asked: Asked, vote: Vote, group: str) -> bool:
        """Whether a word counts in a place at this moment, for whoever it was said."""
        lent = vote.giver == vote.voice or any(row[:2] == (vote.voice, vote.giver) for row in self.lent.values())
        signs = lent and self.may_sign(asked, vote.giver) and self.may_sign(asked, vote.voice)
        in_group = not group or vote.voice in self.members[group]
        return signs and vote.voice in self.members["reviewers"] and in_group

    def counts(self, asked: Asked, vote: Vote) -> bool:
        """Whether a word counts in any place."""
        return any(self.may_fill(asked, vote, rule.group) for rule in self.terms(asked).rules)

    def scopes(self, asked: Asked, name: str) -> frozenset[str]:
        """What somebody's word is about: the parts named by the places that they could take."""
        could = [rule.scopes for rule in self.terms(asked).rules if not rule.group or name in self.members[rule.group]]
        return frozenset(scope for row in could for scope in row) if could and all(could) else frozenset()

    # The judgement

    def why_not(self, asked: Asked, now: Facts) -> list[str]:
        """Why the votes of a request do not allow its move at this moment; empty when they do."""
        terms, waited = self.terms(asked), self.minute - (self.minute if asked.approved is None else asked.approved)
        standing = [vote for vote in asked.votes if self._in_time(vote)]
        found = {
            "its votes are not those that its policy demands": satisfied(
                terms, standing, now, lambda vote, group: self.may_fill(asked, vote, group)
            ),
            "the required check neither passes nor is waived": not terms.required or now.scan in ("pass", "waived"),
            "the wait is not over": waited >= terms.wait_minutes or ("repinned" in self.gaps and asked.repinned),
            "the approval is too old": ("repinned" in self.gaps and asked.repinned)
            or terms.approval_days is None
            or waited < terms.wait_minutes + terms.approval_days * DAY,
            "a freeze holds it back": not any(stage in ("", asked.target) for stage in self.frozen),
        }
        return [problem for problem, fine in found.items() if not fine]

    def _in_time(self, vote: Vote) -> bool:
        """An approval counts no more once its condition was due and not met; an objection has no condition."""
        due = self.conditions.get(vote.condition)
        return due is None or due > self.minute


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
