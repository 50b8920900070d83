"""How the models that a person may see stand to each clause, from what its controls say of them now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.compliance.clauses.reading import Clause, Source, sources
from apps.compliance.controls.outcomes import Outcome
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
    """A document with the coverage of its clauses."""

    source: Source
    clauses: list[Coverage]


def coverage(user: Any, now: datetime, on: Iterable[str], *, asked: bool = False) -> tuple[int, list[Covered] | None]:
    """Return the number of visible models, and how they stand to each clause; None: too many to judge unasked.

    `on` are the controls that are on: what is off supports nothing.
    """
    number, on = models_at(user, Wanted(), now).count(), set(on)
    if number > MOST_COUNTED and not asked:
        return number, None
    found = [Covered(source, [_empty(clause, on) for clause in source.clauses]) for source in sources()]
    every = [row for covered in found for row in covered.clauses]
    for row in every_row(user, Wanted(), now):
        _count(row, every)
    return number, found


def _empty(clause: Clause, on: set[str]) -> Coverage:
    return Coverage(clause, tuple(name for name in clause.controls if name not in on))


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
