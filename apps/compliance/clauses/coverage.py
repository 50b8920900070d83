"""How the models that a person may see stand to each clause, from what its controls say of them now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.compliance.clauses.reading import Clause, Source, sources
from apps.compliance.controls.outcomes import Outcome
from apps.compliance.controls.settings import columns
from apps.compliance.matrix.keeping import Judged, kept
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


def coverage(user: Any, now: datetime, on: Iterable[str], *, asked: bool = False) -> tuple[int, list[Covered] | None]:
    """Return the number of visible models, and how they stand to each clause; None: too many to judge unasked.

    `on` are the controls that are on: what is off supports nothing. Of many models, what came out serves the same
    person for a minute.
    """
    number, on = models_at(user, Wanted(), now).count(), set(on)
    if number > MOST_COUNTED and not asked:
        return number, None
    every = [[_empty(clause, on) for clause in source.clauses] for source in sources()]

    def count() -> list[tuple[int, int]]:
        return _counted(user, now, [one for clauses in every for one in clauses])

    if number <= MOST_COUNTED:
        judged = Judged(count(), now)
    else:
        setting = [(column.control.name, column.setting.number) for column in columns(now)]
        judged = kept(user, ["clauses", number, sorted(on), setting], now, count)
    for one, (met, of) in zip((one for clauses in every for one in clauses), judged.answer, strict=True):
        one.met, one.asked = met, of
    return number, [Covered(source, clauses, judged.at) for source, clauses in zip(sources(), every, strict=True)]


def _empty(clause: Clause, on: set[str]) -> Coverage:
    return Coverage(clause, tuple(name for name in clause.controls if name not in on))


def _counted(user: Any, now: datetime, every: list[Coverage]) -> list[tuple[int, int]]:
    """Return for each clause of how many models its controls are all met, and of how many they ask anything."""
    for row in every_row(user, Wanted(), now):
        _count(row, every)
    return [(one.met, one.asked) for one in every]


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
