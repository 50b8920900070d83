"""What a form of a section sends, read: its typed fields, the revision that it was made from, and its button."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict

from apps.modelcards import drafts
from apps.modelcards.editing.board import Board
from apps.modelcards.editing.cells import Cells, Posted, names_of, posted_cells
from apps.modelcards.models import CardDraft
from apps.modelcards.schema.fields import in_section
from apps.modelcards.schema.sections import Section

DO, BASE = "do", "base"


@dataclass(frozen=True)
class Button:
    """A button: what it does, to which field, and where in it: "remove-users-3"."""

    verb: str
    field: str = ""
    place: tuple[str, ...] = ()


def button_of(data: QueryDict) -> Button:
    """Return the button that sent the form; a form sent by the Enter key saves."""
    verb, *rest = (data.get(DO) or "save").split("-")
    return Button(verb, rest[0] if rest else "", tuple(rest[1:]))


def typed_of(posted: Posted, section: Section) -> dict[str, Cells]:
    """Return what was typed into the fields of a section; fields of another one are not looked at."""
    return posted_cells(posted, in_section(section))


def lists_of(data: QueryDict) -> dict[str, list[str]]:
    """Return what was posted, as lists of texts."""
    return {name: [str(text) for text in texts] for name, texts in data.lists()}


def base_of(data: QueryDict) -> int:
    """Return the revision that the form says it was made from; 0 where it says none."""
    text = data.get(BASE, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def keep(board: Board, section: Section, typed: Mapping[str, Cells], base: int) -> CardDraft:
    """Keep what was typed as this person's draft. Raises as `drafts.keep` does."""
    names: dict[str, list[str]] = {}
    for cells in typed.values():
        names |= names_of(cells)
    reference, number = board.version.model.reference, board.version.number
    return drafts.keep(reference, number, section, names, base=base, by=board.by)
