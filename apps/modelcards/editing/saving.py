"""A section is saved: what was typed, on top of what others saved meanwhile; the service decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.errors import DomainError, NotAllowed, NotVisible
from apps.modelcards import filling, services
from apps.modelcards.content import Content
from apps.modelcards.editing import mine as mines
from apps.modelcards.editing.board import Board, load
from apps.modelcards.editing.cells import Cells
from apps.modelcards.editing.mine import Mine, Wrong
from apps.modelcards.merging import same, three_way
from apps.modelcards.models import CardRevision
from apps.modelcards.schema.fields import BY_NAME
from apps.modelcards.services import CardConflict, CardInvalid

TRIES = 3  # when others save at the same moment


@dataclass(frozen=True)
class Told:
    """How saving ended. With `row` it is saved, in place of the revisions `others` that came between.

    Else `wrong` says what is wrong with which field ("" for the card as a whole), `conflicts` names the fields that
    somebody else changed too, and `error` is any other refusal.
    """

    board: Board
    row: CardRevision | None = None
    others: list[CardRevision] = field(default_factory=list)
    wrong: Mapping[str, Wrong] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()
    error: DomainError | None = None

    @property
    def status(self) -> int:
        """The status of the answer."""
        if self.row:
            return 200
        return self.error.status if self.error else 409 if self.conflicts else 400


def save(board: Board, typed: Mapping[str, Cells], *, base: int, everything: bool = False) -> Told:
    """Save what was typed into a form that was made from the revision `base`. Raises NotVisible and NotAllowed.

    `everything`: what is filled in is confirmed too.
    """
    for _try in range(TRIES):
        told = _save(board, typed, base, everything)
        if not isinstance(told.error, CardConflict):
            return told
        board = load(board.version.model.reference, board.version.number, board.by)
    return told


def standing(board: Board, typed: Mapping[str, Cells], base: int) -> tuple[Mine, tuple[str, ...]]:
    """Return what was changed, and which of it somebody else changed too, since the revision `base`."""
    before = board.at(base)
    mine = mines.changes(typed, before, board.facts)
    shown = filling.refreshed(before, board.facts)
    return mine, three_way(shown, mine.edit, board.shown).conflicts + _torn(mine, shown, board.shown)


def _save(board: Board, typed: Mapping[str, Cells], base: int, everything: bool) -> Told:
    try:
        mine, conflicts = standing(board, typed, base)
        shown = filling.refreshed(board.at(base), board.facts)
    except DomainError as error:
        return Told(board, error=error)
    if everything:
        mine = mines.confirming(mine, typed, shown)
        conflicts = three_way(shown, mine.edit, board.shown).conflicts + _torn(mine, shown, board.shown)
    if mine.wrong or conflicts:
        return Told(board, wrong=mine.wrong, conflicts=conflicts)
    edit = three_way(shown, mine.edit, board.shown).edit
    reference, number = board.version.model.reference, board.version.number
    try:
        row = services.save(reference, number, edit, base=board.card.number, by=board.by)
    except CardInvalid as refused:
        wrong = {name: Wrong(message) for name, message in refused.errors.items()}
        return Told(board, wrong={name if name in BY_NAME else "": item for name, item in wrong.items()})
    except (NotVisible, NotAllowed):
        raise
    except DomainError as error:
        return Told(board, error=error)
    return Told(board, row=row, others=_between(board, base))


def _torn(mine: Mine, shown: Content, theirs: Content) -> tuple[str, ...]:
    """Return the fields at fault that somebody else changed too."""
    return tuple(name for name in mine.wrong if not same(shown, theirs, name))


def _between(board: Board, base: int) -> list[CardRevision]:
    """Return the revisions that others saved since `base`, as far as the form did not show them."""
    found = board.card.revisions.filter(number__gt=base, number__lte=board.card.number).order_by("number")
    return list(found.select_related("author").only("number", "author", "cause", "card"))
