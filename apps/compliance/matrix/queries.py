"""Pages and counts of the matrix. Every list starts from the models that the person may read."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from apps.compliance.controls import facts as loading
from apps.compliance.controls.identities import named_then, of_tier_then
from apps.compliance.controls.outcomes import Cell, Column, Facts, Outcome
from apps.compliance.controls.settings import columns, judge
from apps.compliance.matrix.keeping import Question, State, facts_of, kept
from apps.registry import keyset
from apps.registry.models import RegisteredModel
from apps.registry.queries import visible_models

BY_NAME = keyset.Order("name")
AT_ONCE = 200  # models whose facts are in memory together
MOST_LOOKED_AT = 1000  # models for one page of a filtered list
MOST_COUNTED = 500  # models that are counted without being asked to


@dataclass(frozen=True)
class Wanted:
    """What is asked of the matrix. `at` None: now. `outcome` is that of `control`, or of any control without one."""

    at: datetime | None = None
    q: str = ""
    risk: str = ""
    control: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class Row:
    """One model with what each control says of it."""

    facts: Facts
    cells: tuple[Cell, ...]

    @property
    def model(self) -> RegisteredModel:
        """The model that the row is about."""
        return self.facts.model


@dataclass(frozen=True)
class Matrix:
    """A page of the matrix, with the cursors of the pages around it. `looked_at`: models that were judged for it."""

    columns: list[Column]
    rows: list[Row]
    next: str
    previous: str
    looked_at: int


@dataclass(frozen=True)
class Counts:
    """How many models stand how to each control: (column, {outcome: models}). None: too many to count in a request.

    `judged_at`: when they were judged. `state`: whether a worker is counting many of them; None: nobody asked it to.
    """

    models: int
    of: list[tuple[Column, Counter[Outcome]]] | None
    judged_at: datetime | None = None
    state: State | None = None


def page_of(user: Any, wanted: Wanted, now: datetime, size: int, cursor: str = "") -> Matrix:
    """Return a page of models by name. Raises InvalidInput (field "cursor").

    What a control says is worked out, not stored, so a list of one outcome is found by judging models in their order:
    such a page ends where it is full, or where enough were judged, and holds at least what the last look brought.
    """
    shown = _columns(wanted, now)
    if not wanted.outcome:
        page = keyset.page(models_at(user, wanted, now), BY_NAME, size, cursor)
        return Matrix(shown, _rows(page.rows, shown, wanted, now), page.next, page.previous, len(page.rows))
    rows: list[Row] = []
    looked_at, more = 0, True
    while more and len(rows) < size and looked_at < MOST_LOOKED_AT:
        page = keyset.page(models_at(user, wanted, now), BY_NAME, AT_ONCE, cursor)
        rows += [row for row in _rows(page.rows, shown, wanted, now) if stands(row, wanted)]
        looked_at, cursor, more = looked_at + len(page.rows), page.next, bool(page.next)
    return Matrix(shown, rows, cursor, "", looked_at)


def counts(user: Any, wanted: Wanted, now: datetime, *, asked: bool = False) -> Counts:
    """Return how many visible models that match stand how to each control, whatever outcome the list shows.

    Every model is judged for it. More than a few hundred are judged by a worker, when it is `asked` for: until it has,
    there is no count, or the one of some minutes ago.
    """
    number = models_at(user, wanted, now).count()
    if number > MOST_COUNTED and not asked:
        return Counts(number, None)
    shown = _columns(wanted, now)
    if number <= MOST_COUNTED:
        found = _count(every_row(user, wanted, now), len(shown))
        return Counts(number, list(zip(shown, found, strict=True)), now, State.COUNTED)
    there = kept(user, _question(wanted), facts_of(number, shown), now)
    if there.answer is None:
        return Counts(number, None, None, there.state)
    found = [Counter({Outcome(outcome): models for outcome, models in one.items()}) for one in there.answer]
    return Counts(number, list(zip(shown, found, strict=True)), there.at, there.state)


def count_all(
    user: Any, question: Question, now: datetime, going_on: Callable[[Iterable[Row]], Iterable[Row]]
) -> tuple[list[Any], list[dict[str, int]]]:
    """Return what the answer to a question of `counts` depends on, and the answer in plain values."""
    wanted = _wanted(question)
    shown = _columns(wanted, now)
    facts = facts_of(models_at(user, wanted, now).count(), shown)
    counted = _count(going_on(every_row(user, wanted, now)), len(shown))
    return facts, [{outcome.value: models for outcome, models in one.items()} for one in counted]


def _question(wanted: Wanted) -> Question:
    """Return what is counted, in plain values; the outcome that the list shows makes no difference."""
    at = wanted.at.isoformat() if wanted.at else None
    return {"of": "counts", "at": at, "q": wanted.q, "risk": wanted.risk, "control": wanted.control}


def _wanted(question: Question) -> Wanted:
    at = parse_datetime(question["at"]) if question["at"] else None
    return Wanted(at=at, q=question["q"], risk=question["risk"], control=question["control"])


def _count(rows: Iterable[Row], columns: int) -> list[Counter[Outcome]]:
    counters = [Counter[Outcome]() for _column in range(columns)]
    for row in rows:
        for counter, cell in zip(counters, row.cells, strict=True):
            counter[cell.finding.outcome] += 1
    return counters


def every_row(user: Any, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """Yield the row of every visible model that matches, by name, in constant memory; the outcome is not looked at."""
    shown, cursor, more = _columns(wanted, now), "", True
    while more:
        page = keyset.page(models_at(user, wanted, now), BY_NAME, AT_ONCE, cursor)
        yield from _rows(page.rows, shown, wanted, now)
        cursor, more = page.next, bool(page.next)


def models_at(user: Any, wanted: Wanted, now: datetime) -> QuerySet[RegisteredModel]:
    """Return the visible models that were in MLflow at the moment asked for and that match, without an order.

    Of the past, a model is found by its risk tier of then, and by what it was called then as well as by its texts of
    now. What is loaded says what it was: see `Facts`.
    """
    words, at = wanted.q.casefold().split(), wanted.at
    matching = Q(*(Q(search_text__contains=word) for word in words))
    if at is None:
        found = visible_models(user).filter(matching, deleted_at=None)
        return found.filter(risk=wanted.risk) if wanted.risk else found
    if words:
        matching |= named_then(words, at)
    found = visible_models(user).filter(matching, Q(deleted_at=None) | Q(deleted_at__gt=at), created_at__lte=at)
    return found.filter(of_tier_then(wanted.risk, at)) if wanted.risk else found


def stands(row: Row, wanted: Wanted) -> bool:
    """Return whether a model stands as asked for to the control, or to any."""
    return any(
        cell.finding.outcome == wanted.outcome for cell in row.cells if wanted.control in ("", cell.column.control.name)
    )


def row_of(model: RegisteredModel, at: datetime | None, now: datetime) -> Row:
    """Return the row of one model, which the caller may see."""
    wanted = Wanted(at=at)
    return _rows([model], _columns(wanted, now), wanted, now)[0]


def _columns(wanted: Wanted, now: datetime) -> list[Column]:
    found = columns(wanted.at or now)
    return [column for column in found if wanted.control in ("", column.control.name)]


def _rows(models: list[RegisteredModel], shown: list[Column], wanted: Wanted, now: datetime) -> list[Row]:
    known = loading.load(models, wanted.at or now, past=wanted.at is not None)
    return [Row(facts, tuple(judge(facts, column) for column in shown)) for facts in known]
