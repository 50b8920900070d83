"""Buttons that change the rows of a form and nothing else: each takes cells and returns new ones. Pure."""

from collections.abc import Sequence
from typing import Any

from apps.modelcards.editing.cells import NAME, OF, TEXT, Cells, Place, about, value_cells
from apps.modelcards.schema.fields import Field
from apps.modelcards.schema.kinds import MAX_CELLS, MAX_ROWS, Kind


def added(cells: Cells, within: Sequence[str] = ()) -> tuple[Cells, Place]:
    """Return the cells with an empty row, and the place of its first input. `within`: a mapping inside a row."""
    known, before = cells.known, tuple(within)
    if before and before not in _inner(cells):
        return cells, ()
    taken = _inner(cells)[before] if before else cells.numbers
    if len(taken) >= (MAX_CELLS if before else MAX_ROWS):
        return cells, ()
    number = str(max((int(one) for one in taken), default=-1) + 1)
    first = _first(known, (*before, number), inner=bool(before))
    texts = {**cells.texts, **dict.fromkeys(first, "")}
    return Cells(known, texts, cells.marks), first[0]


def removed(cells: Cells, number: str) -> Cells:
    """Return the cells without a row; the others keep their numbers."""
    kept = {place: text for place, text in cells.texts.items() if place[:1] != (number,)}
    return Cells(cells.known, kept, cells.marks)


def cut(cells: Cells) -> Cells:
    """Return the cells without the rows that are more than a list may have: the form does not show those."""
    kept = set(cells.numbers[:MAX_ROWS])
    return Cells(cells.known, {place: text for place, text in cells.texts.items() if place[0] in kept}, cells.marks)


def beyond(cells: Cells) -> dict[str, str]:
    """Return {name: text} of what was typed into rows that are more than a list may have."""
    shown = set(cells.numbers[:MAX_ROWS])
    more = {place: text for place, text in cells.texts.items() if place and place[0] not in shown and text}
    return {"-".join((cells.known.name, *place)): text for place, text in more.items()}


def opened(cells: Cells, of: str, shown: Any) -> tuple[Cells, Place]:
    """Return the cells with inputs for what a person adds to one fact, and the place of the first of them."""
    row = next((row for row in shown or [] if about(cells.known, row) == of), None)
    if row is None or any(place[1:] == (OF,) and text == of for place, text in cells.texts.items()):
        return cells, ()
    number = str(max((int(one) for one in cells.numbers), default=-1) + 1)
    return Cells(cells.known, {**cells.texts, **fact_cells(cells.known, row, number)}, cells.marks), (
        number, open_parts(cells.known)[0])  # fmt: skip


def differing(cells: Cells, shown: Any) -> Cells:
    """Return cells in which every part can be written, also what MLflow answers for."""
    return Cells(cells.known, value_cells(cells.known, shown), {**cells.marks, "differ": "1"})


def fact_cells(known: Field, row: dict[str, Any], number: str) -> dict[Place, str]:
    """Return the cells of what a person may add to a row about a fact, empty ones too."""
    whole = {place[1:]: text for place, text in value_cells(known, [row]).items()}
    found = {(number, *place): text for place, text in whole.items() if place[0] not in known.locked}
    return {(number, OF): about(known, row), **dict.fromkeys([(number, name) for name in open_parts(known)], ""),
            **found}  # fmt: skip


def open_parts(known: Field) -> list[str]:
    """Return the parts of a record that people write, mappings aside."""
    return [part.name for part in known.parts if part.name not in known.locked and part.kind is not Kind.MAPPING]


def _first(known: Field, before: Place, *, inner: bool) -> list[Place]:
    """Return the places of a new row; the first takes the focus."""
    if inner or known.kind is Kind.MAPPING:
        return [(*before, NAME), (*before, TEXT)]
    if known.kind is Kind.ITEMS:
        return [before]
    return [(*before, part.name) for part in known.parts if part.kind is not Kind.MAPPING]


def _inner(cells: Cells) -> dict[Place, list[str]]:
    """Return the numbers of the rows of each mapping inside a row, also of those that have none yet."""
    mappings = [part.name for part in cells.known.parts if part.kind is Kind.MAPPING]
    found: dict[Place, list[str]] = {(number, name): [] for number in cells.numbers for name in mappings}
    for place in cells.texts:
        if place[:2] in found and len(place) > 2 and place[2] not in found[place[:2]]:
            found[place[:2]].append(place[2])
    return found
