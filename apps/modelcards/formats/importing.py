"""What an imported card would change, field by field, and the edit that a person makes of it. Pure.

What somebody confirmed elsewhere is not confirmed here: an import brings values, never states.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.modelcards.content import Content, State
from apps.modelcards.facts import Fact
from apps.modelcards.filling import Edit, deviation, with_fact
from apps.modelcards.schema.fields import FIELDS, Field


class Way(StrEnum):
    """What to do about one field."""

    LEAVE = "leave"
    TAKE = "take"
    ADD = "add"  # what MLflow says stays, and what the import says besides is added
    LACK = "lack"  # it does not apply, as the import says


class Relation(StrEnum):
    """How what comes stands to what is there."""

    NEW = "new"
    CHANGED = "changed"
    FACT = "fact"  # it says otherwise than MLflow
    LACKING = "lacking"


LABELS: dict[Way, str | Promise] = {
    Way.LEAVE: _("Leave the field as it is"),
    Way.TAKE: _("Take what was imported"),
    Way.ADD: _("Keep what MLflow says, and add the rest"),
    Way.LACK: _("Say that it does not apply"),
}
OF_A_FACT: dict[Way, str | Promise] = {
    Way.LEAVE: _("Keep what MLflow says"),
    Way.TAKE: _("Take what was imported instead, and say why"),
}
RELATIONS: dict[Relation, str | Promise] = {
    Relation.NEW: _("New"),
    Relation.CHANGED: _("Says something else now"),
    Relation.FACT: _("MLflow says otherwise"),
    Relation.LACKING: _("Does not apply, it says"),
}


@dataclass(frozen=True)
class Row:
    """One field that an import would change. `added`: the value when what MLflow says stays; `reason`: why it lacks."""

    field: Field
    relation: Relation
    now: Any
    comes: Any
    ways: tuple[Way, ...]
    added: Any = None
    reason: str = ""

    @property
    def default(self) -> Way:
        """What is chosen until a person chooses: what MLflow says stays, and what people wrote is taken."""
        return self.ways[0]


def rows(card: Content, taken: Content, facts: Mapping[str, Fact]) -> list[Row]:
    """Return what an import would change, in the order of the fields."""
    found = []
    for field in FIELDS:
        comes, now = taken.values.get(field.name), card.values.get(field.name)
        if comes is None:
            if row := _lacking(field, card, taken):
                found.append(row)
        elif comes != now:
            found.append(_row(field, now, comes, facts.get(field.name)))
    return found


def same(card: Content, taken: Content) -> list[Field]:
    """Return the fields that say the same already."""
    return [field for field in FIELDS if field.name in taken.values and
            taken.values[field.name] == card.values.get(field.name)]  # fmt: skip


def edit(found: list[Row], ways: Mapping[str, str], reasons: Mapping[str, str]) -> Edit:
    """Return what a person chose: `ways` is {field: Way}, `reasons` {field: why it says otherwise than MLflow}."""
    values: dict[str, Any] = {}
    lacking: dict[str, str] = {}
    overrides: dict[str, str] = {}
    for row in found:
        name, way = row.field.name, ways.get(row.field.name, row.default)
        if way not in row.ways or way == Way.LEAVE:
            continue
        if way == Way.LACK:
            lacking[name] = row.reason
        else:
            values[name] = row.added if way == Way.ADD else row.comes
        if way == Way.TAKE and row.relation is Relation.FACT:
            overrides[name] = reasons.get(name, "")
    return Edit(values, lacking=lacking, overrides=overrides)


def label_of(row: Row, way: Way) -> str | Promise:
    """Return what a choice says."""
    return OF_A_FACT.get(way, LABELS[way]) if row.relation is Relation.FACT else LABELS[way]


def _row(field: Field, now: Any, comes: Any, fact: Fact | None) -> Row:
    if not deviation(field, comes, fact):
        relation = Relation.NEW if now is None else Relation.CHANGED
        return Row(field, relation, now, comes, (Way.TAKE, Way.LEAVE))
    added = with_fact(field, comes, fact) if field.locked else None
    if added is None or added == now:
        return Row(field, Relation.FACT, now, comes, (Way.LEAVE, Way.TAKE))
    return Row(field, Relation.FACT, now, comes, (Way.ADD, Way.LEAVE, Way.TAKE), added=added)


def _lacking(field: Field, card: Content, taken: Content) -> Row | None:
    state, now = taken.states.get(field.name, {}), card.states.get(field.name, {})
    said = state.get("state") == State.NOT_APPLICABLE and field.may_lack and field.name not in card.values
    if not said or now.get("reason") == state.get("reason"):
        return None
    return Row(field, Relation.LACKING, None, None, (Way.LEAVE, Way.LACK), reason=str(state.get("reason", "")))
