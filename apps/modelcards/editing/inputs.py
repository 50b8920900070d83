"""The inputs of one field as its template shows them: made from cells, posted or standing for a value."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.modelcards.editing import rows
from apps.modelcards.editing.cells import NAME, OF, TEXT, Cells, Place, about, value_cells
from apps.modelcards.editing.mine import Wrong
from apps.modelcards.editing.values import locked_rows
from apps.modelcards.facts import Fact
from apps.modelcards.schema.fields import Field
from apps.modelcards.schema.kinds import MAX_ROWS, Kind, Part

Text = str | Promise
FEW = 12  # facts whose inputs all stand open


@dataclass(frozen=True)
class Input:
    """One input. `described`: ids of what describes it."""

    name: str
    label: Text
    kind: Kind
    text: str
    options: tuple[tuple[str, Text], ...] = ()
    hint: Text = ""
    wrong: str = ""
    described: str = ""
    hidden_label: bool = False


@dataclass
class Row:
    """One row. `facts`: what MLflow answers for in it; `of`: which fact it is about; `inner`: a mapping inside it."""

    number: str
    title: str
    of: str = ""
    facts: list[tuple[Text, str]] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    inner: list[Input] = field(default_factory=list)
    inner_part: str = ""


def shown_cells(known: Field, value: Any, fact: Fact | None, state: dict[str, Any]) -> Cells:
    """Return the cells in which a field is shown before anybody typed, with an empty row where one helps."""
    if locked_rows(known, fact) and "override" not in state:
        return Cells(known, _fact_cells(known, value or [], fact.value if fact else []))
    marks = {"differ": "1"} if "override" in state and known.kind is Kind.RECORDS else {}
    reason = (state.get("override") or {}).get("reason", "")
    cells = Cells(known, value_cells(known, value), marks | ({"why": reason} if reason else {}))
    if known.kind in (Kind.ITEMS, Kind.MAPPING) or (known.kind is Kind.RECORDS and not value):
        return rows.added(cells)[0]
    return cells


def single(cells: Cells, wrong: Wrong | None, described: str, facts: Iterable[str] = ()) -> list[Input]:
    """Return the inputs of a field without rows: one, or one for each part but those that are `facts`."""
    known = cells.known
    if known.kind is not Kind.RECORD:
        kind_of = Part(known.name, known.label, known.kind, options=known.options)
        return [_input(cells, kind_of, (), wrong, described, hidden_label=True)]
    return [_input(cells, part, (part.name,), wrong, "") for part in known.parts if part.name not in facts]


def row_list(cells: Cells, fact: Fact | None, shown: Any, wrong: Wrong | None) -> list[Row]:
    """Return the rows of a field as the form shows them: as many as a list may have."""
    known = cells.known
    if known.kind is Kind.RECORDS:
        facts = {about(known, row): row for row in [*(shown or []), *(fact.value if fact else [])]}
        found = list(cells.rows().items())[:MAX_ROWS]
        return [_record(cells, number, cell, facts, wrong) for number, cell in found]
    return [_plain(cells, number, place, wrong) for place, number in enumerate(cells.numbers[:MAX_ROWS], start=1)]


def closed_rows(cells: Cells, fact: Fact | None) -> list[Row]:
    """Return the facts that have no inputs open: each is one line and a button."""
    known = cells.known
    if fact is None or not locked_rows(known, fact) or cells.mark("differ"):
        return []
    open_ones = {text for place, text in cells.texts.items() if place[1:] == (OF,)}
    return [Row("", title(known, row), of, _facts(known, row))
            for row in fact.value if (of := about(known, row)) not in open_ones]  # fmt: skip


def title(known: Field, row: dict[str, Any]) -> str:
    """Return by what people know a row: its key parts, in short."""
    said = " · ".join(str(row[name]) for name in known.keys if row.get(name))
    return said[:80] + "…" if len(said) > 80 else said


def _fact_cells(known: Field, value: Iterable[dict[str, Any]], facts: list[dict[str, Any]]) -> dict[Place, str]:
    found: dict[Place, str] = {}
    by_anchor = {about(known, row): row for row in facts}
    for place, row in enumerate(value):
        fact = by_anchor.get(about(known, row))
        if fact is None:
            found |= {(str(place), *rest[1:]): text for rest, text in value_cells(known, [row]).items()}
        elif len(facts) <= FEW or row != fact:
            found |= rows.fact_cells(known, row, str(place))
    return found


def _record(
    cells: Cells, number: str, cell: dict[Place, str], facts: dict[str, dict[str, Any]], wrong: Wrong | None
) -> Row:
    known, of = cells.known, "" if cells.mark("differ") else cell.get((OF,), "")
    fact = facts.get(of) if of else None
    typed = {place[0]: text for place, text in cell.items() if len(place) == 1}
    row = Row(number, title(known, fact or typed) or _("New row"), of if fact else "")
    row.facts = _facts(known, fact) if fact else []
    row.facts = [pair for pair in row.facts if pair[1] != row.title]
    for part in known.parts:
        if fact and part.name in known.locked:
            continue
        if part.kind is Kind.MAPPING:
            row.inner_part, row.inner = part.name, _inner(cells, number, part, cell, wrong)
        else:
            described = f"{known.name}-{part.name}-hint" if part.hint else ""  # it stands once, above the rows
            row.inputs.append(_input(cells, replace(part, hint=""), (number, part.name), wrong, described))
    if wrong and wrong.place == (number,) and row.inputs:
        row.inputs[0] = replace(row.inputs[0], wrong=wrong.message)
    return row


def _facts(known: Field, row: dict[str, Any]) -> list[tuple[Text, str]]:
    return [
        (part.label, str(row[part.name])) for part in known.parts if part.name in known.locked and row.get(part.name)
    ]


def _inner(cells: Cells, number: str, part: Part, cell: dict[Place, str], wrong: Wrong | None) -> list[Input]:
    numbers = sorted({place[1] for place in cell if len(place) > 1 and place[0] == part.name}, key=int)
    return [one for inner in numbers for one in _pair(cells, (number, part.name, inner), wrong)]


def _plain(cells: Cells, number: str, place: int, wrong: Wrong | None) -> Row:
    """A row of a list or a mapping."""
    if cells.known.kind is Kind.MAPPING:
        return Row(number, cells.texts.get((number, NAME), "") or str(place), inputs=_pair(cells, (number,), wrong))
    said = f"{cells.known.label} {place}"
    item = Part(cells.known.name, said, Kind.PROSE)
    return Row(number, str(place), inputs=[_input(cells, item, (number,), wrong, "", hidden_label=True)])


def _pair(cells: Cells, before: Place, wrong: Wrong | None) -> list[Input]:
    parts = (Part(NAME, _("Name")), Part(TEXT, _("Text"), Kind.PROSE))
    return [_input(cells, part, (*before, part.name), wrong, "") for part in parts]


def _input(cells: Cells, part: Part, place: Place, wrong: Wrong | None, described: str, *,
           hidden_label: bool = False) -> Input:  # fmt: skip
    name = "-".join((cells.known.name, *place))
    at_fault = wrong.message if wrong and wrong.place and wrong.place == place else ""
    return Input(name, part.label, part.kind, cells.texts.get(place, ""), part.options, part.hint, at_fault,
                 described, hidden_label)  # fmt: skip
