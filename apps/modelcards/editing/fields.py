"""One field as its template shows it: how it stands, where it came from, its inputs, and what others wrote into it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.modelcards.content import Content, State
from apps.modelcards.editing import sources
from apps.modelcards.editing.cells import ROWS, Cells
from apps.modelcards.editing.inputs import Input, Row, Text, closed_rows, row_list, shown_cells, single
from apps.modelcards.editing.mine import Wrong, confirmed_as
from apps.modelcards.editing.rows import beyond
from apps.modelcards.editing.values import locked, locked_rows
from apps.modelcards.facts import Fact
from apps.modelcards.models import CardRevision
from apps.modelcards.rules import STANDING_LABELS, Standing
from apps.modelcards.schema.fields import Field, Origin
from apps.modelcards.schema.kinds import Kind, Part

LOOKS = {
    Standing.SETTLED: ("success", "check"),
    Standing.UNCONFIRMED: ("warning", "question"),
    Standing.PLACEHOLDER: ("warning", "alert"),
    Standing.EMPTY: ("neutral", "circle"),
}
STAGES: dict[str, Text] = {"S": gettext_lazy("needed for Staging"), "P": gettext_lazy("needed for Production"), "-": ""}


@dataclass(frozen=True)
class Side:
    """What one of three says of a field: as it was, or as somebody else has it now."""

    label: str
    value: Any
    lacking: str = ""


@dataclass
class FieldView:
    """A field in the form. `level` is S, P or -; `sides` are there when somebody else changed it too."""

    known: Field
    content: Content
    fact: Fact | None
    cells: Cells
    standing: Standing
    level: str
    wrong: Wrong | None = None
    typed: bool = False
    sides: list[Side] = field(default_factory=list)
    was: int = 0
    preview: Any = None
    preview_wrong: str = ""
    focus: str = ""

    @property
    def name(self) -> str:
        """Its name, by which links lead to it."""
        return self.known.name

    @property
    def label(self) -> Text:
        """Its name for people."""
        return self.known.label

    @property
    def state(self) -> dict[str, Any]:
        """Its state as the card keeps it."""
        return self.content.states.get(self.name, {})

    @property
    def value(self) -> Any:
        """What the card says."""
        return self.content.values.get(self.name)

    @property
    def look(self) -> tuple[str, str, Text]:
        """Tone, icon and word of how it stands."""
        return (*LOOKS[self.standing], self.standing_label)

    @property
    def standing_label(self) -> Text:
        """The word for how it stands."""
        if self.standing is Standing.SETTLED and self.state.get("state") == State.NOT_APPLICABLE:
            return _("Does not apply")
        if self.standing is Standing.SETTLED and self.state.get("state") == State.CONFIRMED:
            return _("Confirmed")
        if self.standing is Standing.SETTLED:
            return _("As MLflow has it")
        return STANDING_LABELS[self.standing]

    @property
    def needed(self) -> Text:
        """For which stage it is needed."""
        return STAGES[self.level]

    @property
    def origin(self) -> str:
        """Where its value came from, and who stands behind it."""
        state = self.state
        if state.get("by"):
            return _("by %(who)s on %(day)s") % {"who": state["by"], "day": str(state.get("at", ""))[:10]}
        if self.fact and self.fact.locked:
            return sources.in_words(self.fact.source)
        return sources.in_words(state.get("source", "")) if state.get("state") == State.PREFILLED else ""

    @cached_property
    def locked(self) -> bool:
        """Whether MLflow answers for the whole of it."""
        return locked(self.known, self.fact)

    @property
    def override(self) -> dict[str, Any]:
        """Why it says otherwise than MLflow, and what that says; {} when it does not."""
        return self.state.get("override") or {}

    @property
    def differs(self) -> bool:
        """Whether the form lets a person write what MLflow answers for."""
        return bool(self.override or self.cells.mark("differ") or self.cells.mark("why"))

    @cached_property
    def mixed(self) -> bool:
        """Whether MLflow answers for some parts and people for others."""
        partly = self.known.kind is Kind.RECORD and self.known.locked and self.fact is not None and not self.locked
        return locked_rows(self.known, self.fact) or bool(partly)

    @property
    def has_rows(self) -> bool:
        """Whether it is a list of something."""
        return self.known.kind in ROWS

    @property
    def hinted(self) -> list[Part]:
        """The parts of its rows that have a hint."""
        return [part for part in self.known.parts if part.hint and self.known.kind is Kind.RECORDS]

    @property
    def in_columns(self) -> bool:
        """Whether its rows are mostly prose, best read in two columns."""
        return sum(part.kind is Kind.PROSE for part in self.known.parts) > 1

    @property
    def described(self) -> str:
        """The ids of what describes its input."""
        named = [("hint", self.known.hint), ("wrong", self.wrong and not self.wrong.place)]
        return " ".join(f"{self.name}-{name}" for name, there in named if there)

    @property
    def parts_of_fact(self) -> list[tuple[Text, str]]:
        """Of a record whose parts MLflow knows in part: those."""
        if self.known.kind is not Kind.RECORD or not self.mixed or self.cells.mark("differ") or self.fact is None:
            return []
        return [(part.label, self.fact.value[part.name]) for part in self.known.parts if part.name in self.fact.value]

    @cached_property
    def inputs(self) -> list[Input]:
        """Its inputs, where it has no rows."""
        facts = [part.name for part in self.known.parts if self.parts_of_fact and self.fact and
                 part.name in self.fact.value]  # fmt: skip
        return single(self.cells, self.wrong, self.described, facts)

    @cached_property
    def rows(self) -> list[Row]:
        """Its rows with inputs."""
        return row_list(self.cells, self.fact, self.value, self.wrong)

    @cached_property
    def beyond(self) -> dict[str, str]:
        """What was typed into rows that are more than a list may have: it stays in the form, unseen."""
        return beyond(self.cells) if self.has_rows else {}

    @cached_property
    def closed(self) -> list[Row]:
        """Facts to which a person may add something."""
        return closed_rows(self.cells, self.fact)

    @property
    def confirm_value(self) -> str:
        """What the input "confirm" holds."""
        return confirmed_as(self.content, self.name)

    @property
    def seen(self) -> str:
        """The digest of what MLflow says, as whoever confirms has it before them; "" where it says nothing."""
        return self.fact.digest if self.fact and self.fact.locked else ""

    @property
    def confirm_ticked(self) -> bool:
        """Whether it is confirmed, or the person says so now."""
        return bool(self.cells.mark("confirm")) if self.typed else self.confirm_value != "1"

    @property
    def lacks(self) -> str:
        """Why it does not apply, as typed or as kept."""
        kept = self.state.get("reason", "") if self.state.get("state") == State.NOT_APPLICABLE else ""
        return self.cells.mark("lacks") if self.typed else kept

    @property
    def error_target(self) -> str:
        """The id of the input at fault: of the whole field its first one, of a field without inputs the field."""
        if self.wrong and self.wrong.place:
            return "-".join((self.name, *self.wrong.place))
        shown = [one.name for row in self.rows for one in row.inputs] if self.has_rows else [
            one.name for one in self.inputs]  # fmt: skip
        return shown[0] if shown else self.first_id

    @property
    def first_id(self) -> str:
        """The id of the field as a whole."""
        return f"field-{self.name}"

    @property
    def grouped(self) -> bool:
        """Whether it has several inputs under its name."""
        return self.has_rows or self.known.kind is Kind.RECORD or self.locked

    @property
    def can_preview(self) -> bool:
        """Whether people write Markdown into it."""
        return self.known.kind in (Kind.PROSE, Kind.ITEMS) or any(p.kind is Kind.PROSE for p in self.known.parts)

    @property
    def of_people(self) -> bool:
        """Whether the field is theirs alone, so that its origin says nothing."""
        return self.known.origin is Origin.PEOPLE


def sides_of(known: Field, was: Content, theirs: Content, row: CardRevision | None, number: int) -> list[Side]:
    """Return what a field was in the revision `number`, and what somebody else made of it."""
    who = _("%(who)s's, revision %(number)s") % {"who": row.author.get_username(), "number": row.number} if row else ""
    return [
        Side(_("As it was, revision %(number)s") % {"number": number}, *_said(was, known.name)),
        Side(who or _("Theirs"), *_said(theirs, known.name)),
    ]


def _said(content: Content, name: str) -> tuple[Any, str]:
    state = content.states.get(name, {})
    return content.values.get(name), state.get("reason", "") if state.get("state") == State.NOT_APPLICABLE else ""


def initial(known: Field, content: Content, fact: Fact | None) -> Cells:
    """Return the cells of a field that nobody typed into."""
    return shown_cells(known, content.values.get(known.name), fact, content.states.get(known.name, {}))


def standing_of(standings: Mapping[str, Standing], known: Field) -> Standing:
    """Return how a field stands."""
    return standings.get(known.name, Standing.EMPTY)
