"""How the models that a person may see stand to each clause, from what its controls say of them now."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.compliance.clauses.reading import Clause, Source, sources
from apps.compliance.controls.outcomes import Outcome
from apps.compliance.controls.settings import columns
from apps.compliance.matrix.keeping import Question, State, facts_of, kept
from apps.compliance.matrix.queries import MOST_COUNTED, Row, Wanted, every_row, models_at


@dataclass
class Coverage:
    """Of how many models a clause's controls are all met, of how many they ask anything, and which of them are off."""

    clause: Clause
    off: tuple[str, ...]
    met: int = 0
    asked: int = 0

    @property
    def percent(self) -> int | None:
        """The share in whole percent, rounded down: 100 is all of them. None where nothing is asked of any model."""
        return 100 * self.met // self.asked if self.asked else None


@dataclass(frozen=True)
class Covered:
    """A document with the coverage of its clauses. `judged_at`: when the models were judged for it."""

    source: Source
    clauses: list[Coverage]
    judged_at: datetime


@dataclass(frozen=True)
class Coverages:
    """How many visible models there are, and how they stand to each clause.

    `of` None: too many to judge in a request. `state`: whether a worker is judging them; None: nobody asked it to.
    """

    models: int
    of: list[Covered] | None
    state: State | None = None

    @property
    def judged_at(self) -> datetime | None:
        """When many models were judged by a worker; None: they were judged now, or not yet."""
        many = self.models > MOST_COUNTED
        return self.of[0].judged_at if self.of and many else None


QUESTION: Question = {"of": "clauses"}


def coverage(user: Any, now: datetime, on: Iterable[str], *, asked: bool = False) -> Coverages:
    """Return how the models that a person sees stand to each clause.

    `on` are the controls that are on: what is off supports nothing. Many models are judged by a worker, when it is
    `asked` for: until it has, there is no answer, or the one of some minutes ago.
    """
    number, on = models_at(user, Wanted(), now).count(), set(on)
    if number > MOST_COUNTED and not asked:
        return Coverages(number, None)
    every = _every_clause(on)
    if number <= MOST_COUNTED:
        answer, at, state = _counted(every_row(user, Wanted(), now), every), now, State.COUNTED
    else:
        there = kept(user, QUESTION, facts_of(number, columns(now)), now)
        if there.answer is None or there.at is None:
            return Coverages(number, None, there.state)
        answer, at, state = there.answer, there.at, there.state
    for one, (met, of) in zip(every, answer, strict=True):
        one.met, one.asked = met, of
    left = iter(every)
    found = [Covered(source, [next(left) for _clause in source.clauses], at) for source in sources()]
    return Coverages(number, found, state)


def count_all(
    user: Any, question: Question, now: datetime, going_on: Callable[[Iterable[Row]], Iterable[Row]]
) -> tuple[list[Any], list[list[int]]]:
    """Return what the coverage of the clauses depends on, and the numbers in plain values."""
    shown = columns(now)
    every = _every_clause({column.control.name for column in shown})
    facts = facts_of(models_at(user, Wanted(), now).count(), shown)
    return facts, _counted(going_on(every_row(user, Wanted(), now)), every)


def _every_clause(on: set[str]) -> list[Coverage]:
    return [_empty(clause, on) for source in sources() for clause in source.clauses]


def _empty(clause: Clause, on: set[str]) -> Coverage:
    return Coverage(clause, tuple(name for name in clause.controls if name not in on))


def _counted(rows: Iterable[Row], every: list[Coverage]) -> list[list[int]]:
    """Return for each clause of how many models its controls are all met, and of how many they ask anything."""
    for row in rows:
        _count(row, every)
    return [[one.met, one.asked] for one in every]


def _count(row: Row, every: list[Coverage]) -> None:
    said = {cell.column.control.name: cell.finding.outcome for cell in row.cells}
    for one in every:
        applying = [
            said[name]
            for name in one.clause.controls
            if said.get(name, Outcome.NOT_APPLICABLE) != Outcome.NOT_APPLICABLE
        ]
        one.asked += bool(applying)
        one.met += bool(applying) and not one.off and all(outcome == Outcome.MET for outcome in applying)
