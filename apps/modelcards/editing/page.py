"""What the page of a section shows: its fields, the way through the sections, what is missing, and comments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

from apps.modelcards import drafts, queries, requirements, rules
from apps.modelcards.content import Content
from apps.modelcards.editing.board import Board
from apps.modelcards.editing.cells import Cells
from apps.modelcards.editing.fields import FieldView, Side, initial, sides_of, standing_of
from apps.modelcards.editing.mine import Wrong
from apps.modelcards.merging import same
from apps.modelcards.models import CardDraft, CardState
from apps.modelcards.rules import Standing
from apps.modelcards.schema.fields import FIELDS, Field, in_section
from apps.modelcards.schema.sections import LABELS, Section

LOOKED_AT = 20  # revisions, to say who changed a field


@dataclass
class Sent:
    """What a form sent, and what came of it. `base`: the revision that the form is about from now on."""

    base: int
    typed: Mapping[str, Cells] = field(default_factory=dict)
    wrong: Mapping[str, Wrong] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()
    error: str = ""
    focus: str = ""
    previews: Mapping[str, Any] = field(default_factory=dict)
    draft: CardDraft | None = None
    kept: bool | None = None  # whether what was typed is kept as a draft; None: nobody tried


@dataclass(frozen=True)
class Step:
    """A section among the others."""

    section: Section
    label: str | Promise
    settled: int
    wanted: int
    unsaved: bool
    current: bool

    @property
    def done(self) -> bool:
        """Whether all that Production asks of it is settled."""
        return self.wanted > 0 and self.settled == self.wanted


def context(board: Board, section: Section, sent: Sent, was: Mapping[str, int]) -> dict[str, Any]:
    """Return what the template shows. `was`: of fields that somebody else changed too, the revision before that."""
    asked, standings = requirements.current(), rules.standings(board.shown)
    tier = rules.tier_of(board.version.model.risk)
    levels = {known.name: asked.levels.get(known.name, {}).get(tier, "-") for known in FIELDS}
    views = [_view(board, known, sent, was, standing_of(standings, known), levels[known.name])
             for known in in_section(section)]  # fmt: skip
    steps = _steps(section, standings, levels, drafts.sections_of(board.version, board.by))
    place = list(Section).index(section)
    outdated = _outdated(board)
    comments = board.card.comments.filter(section=section, resolved_at=None).select_related("author").order_by("id")
    return {
        "model": board.version.model,
        "version": board.version,
        "card": board.card,
        "section": section,
        "section_label": LABELS[section],
        "fields": views,
        "steps": steps,
        "following": list(Section)[place + 1] if place + 1 < len(Section) else None,
        "following_label": LABELS[list(Section)[place + 1]] if place + 1 < len(Section) else "",
        "sent": sent,
        "faults": [view for view in views if view.wrong],
        "clashes": [view for view in views if view.sides],
        "failed": bool(sent.wrong or sent.conflicts or sent.error),
        "whole_card": sent.wrong[""].message if "" in sent.wrong else "",
        "comments": list(comments),
        "closed": _closed(board),
        "ends_approval": board.card.state in (CardState.APPROVED, CardState.IN_REVIEW),
        "news": [view.label for view in views if view.name in outdated],
        "complete": [
            (stage, rules.percent(standings, rules.required(asked.levels, stage, tier))) for stage in rules.STAGES
        ],
    }


def _view(board: Board, known: Field, sent: Sent, was: Mapping[str, int], standing: Standing, level: str) -> FieldView:
    fact, typed = board.facts.get(known.name), sent.typed.get(known.name)
    cells = typed if typed and typed.posted else initial(known, board.shown, fact)
    if typed and not typed.posted:
        cells = Cells(known, cells.texts, {**cells.marks, **typed.marks})
    view = FieldView(known, board.shown, fact, cells, standing, level, sent.wrong.get(known.name), typed is not None)
    view.preview = sent.previews.get(known.name)
    view.focus = sent.focus
    if known.name in was:
        view.was, view.sides = was[known.name], _sides(board, known, was[known.name])
    return view


def _sides(board: Board, known: Field, number: int) -> list[Side]:
    """As it was in the revision `number`, and theirs: of whoever wrote it last, as far back as is looked."""
    rows = board.card.revisions.filter(number__gt=number).select_related("author").order_by("-number")[:LOOKED_AT]
    theirs = next((row for row in rows if not same(queries.content_of(row), board.shown, known.name)), None)
    since = theirs.number if theirs else number
    author = next((row for row in reversed(rows) if row.number > since), None)
    return sides_of(known, board.at(number), board.shown, author, number)


def _steps(
    current: Section, standings: Mapping[str, Standing], levels: Mapping[str, str], unsaved: set[str]
) -> list[Step]:
    found = []
    for section in Section:
        wanted = [known for known in in_section(section) if levels[known.name] != "-"]
        settled = sum(standings[known.name] is Standing.SETTLED for known in wanted)
        found.append(Step(section, LABELS[section], settled, len(wanted), section in unsaved, section == current))
    return found


def _closed(board: Board) -> str:
    """Return why nothing can be saved: "deleted", "archived", or ""."""
    if board.version.deleted_at or board.version.model.deleted_at:
        return "deleted"
    return "archived" if board.card.state == CardState.ARCHIVED else ""


def _outdated(board: Board) -> set[str]:
    """Return the fields of which MLflow says something else than the newest revision."""
    return {name for name in board.shown.values if _differs(board.content, board.shown, name)}


def _differs(one: Content, other: Content, name: str) -> bool:
    return bool(one.values.get(name) != other.values.get(name))
