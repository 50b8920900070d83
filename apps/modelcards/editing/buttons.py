"""Buttons that change the form and save nothing: rows, a preview, saying otherwise than MLflow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.modelcards.editing import rows
from apps.modelcards.editing.board import Board
from apps.modelcards.editing.cells import ROWS, Cells, Place
from apps.modelcards.editing.fields import initial
from apps.modelcards.editing.posting import Button
from apps.modelcards.editing.values import WrongCell, value_of
from apps.modelcards.schema.fields import BY_NAME
from apps.modelcards.schema.sections import Section


@dataclass(frozen=True)
class Preview:
    """A value as the card will show it, or why it cannot be shown."""

    value: Any = None
    wrong: str = ""


@dataclass(frozen=True)
class Pressed:
    """The form after a button: its cells, the id of what has the focus now, and what is shown as a preview."""

    typed: Mapping[str, Cells]
    focus: str = ""
    previews: Mapping[str, Preview] | None = None


def pressed(board: Board, section: Section, typed: Mapping[str, Cells], button: Button) -> Pressed:
    """Return the form after a button; one that means nothing leaves it as it is."""
    known = BY_NAME.get(button.field)
    if known is None or known.section != section:
        return Pressed(typed)
    shown, fact = board.shown.values.get(known.name), board.facts.get(known.name)
    cells = typed.get(known.name) or initial(known, board.shown, fact)
    place: Place | None = None
    match button.verb, button.place:
        case "preview", ():
            return Pressed(typed, f"preview-{known.name}", {known.name: preview(cells, board)})
        case "add", within if known.kind in ROWS:
            cells, place = rows.added(cells, within)
        case "remove", (number,):
            cells, place = rows.removed(cells, number), ()
        case "cut", () if known.kind in ROWS:
            cells, place = rows.cut(cells), ()
        case "open", (of,):
            cells, place = rows.opened(cells, of, shown)
        case "differ", ():
            cells, place = rows.differing(cells, shown), ("why",)
        case _:
            return Pressed(typed)
    return Pressed({**typed, known.name: cells}, "-".join((known.name, *place)) if place else f"field-{known.name}")


def preview(cells: Cells, board: Board) -> Preview:
    """Return what a field would look like."""
    name = cells.known.name
    try:
        return Preview(value_of(cells, board.facts.get(name), board.shown.values.get(name)))
    except WrongCell as wrong:
        return Preview(wrong=wrong.message)
