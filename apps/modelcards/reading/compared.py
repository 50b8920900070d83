"""The cards of versions that stand side by side, for the page of a comparison. One query, however many there are."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F

from apps.modelcards.content import Content
from apps.modelcards.diffing import FieldChange, differences
from apps.modelcards.models import CardRevision
from apps.modelcards.schema.fields import BY_NAME, Field, Origin
from apps.modelcards.schema.kinds import Kind
from apps.registry.models import ModelVersion

MOST = 12  # fields that are shown; the page that compares two cards has all


@dataclass(frozen=True)
class Compared:
    """How the card of a later version differs from that of the base; `lacking` are the versions of both without one.

    `changes` are the first MOST of `count` fields that differ in what people say; facts stand in the tables above.
    """

    version: ModelVersion
    lacking: list[ModelVersion]
    changes: list[FieldChange]
    count: int


def compared(versions: tuple[ModelVersion, ...]) -> list[Compared]:
    """Return it for each version after the first, by the newest revisions; empty where no version has a card."""
    rows = CardRevision.objects.filter(card__version__in=[version.pk for version in versions])
    newest = rows.filter(number=F("card__number")).annotate(version=F("card__version"))
    cards = {row.version: of_people(Content(row.values, row.states)) for row in newest}
    base, *later = versions
    return [_compared(base, version, cards) for version in later] if cards else []


def _compared(base: ModelVersion, version: ModelVersion, cards: dict[int, Content]) -> Compared:
    if lacking := [one for one in (base, version) if one.pk not in cards]:
        return Compared(version, lacking, [], 0)
    found = differences(cards[base.pk], cards[version.pk], states=False)
    return Compared(version, [], found[:MOST], len(found))


def of_people(content: Content) -> Content:
    """Return what of a card people say: prose, what they added to facts, and facts of which they say otherwise."""
    said = {name: _of_people(BY_NAME[name], value, content.states.get(name, {})) for name, value in
            content.values.items() if name in BY_NAME}  # fmt: skip
    return Content({name: value for name, value in said.items() if value}, content.states)


def _of_people(known: Field, value: Any, state: dict[str, Any]) -> Any:
    if known.origin is not Origin.FACT or "override" in state:
        return value
    if known.kind is not Kind.RECORDS or not known.locked:
        return None
    return [row for row in (_added(known, row) for row in value) if set(row) - {*known.keys, "direction"}]


def _added(known: Field, row: dict[str, Any]) -> dict[str, Any]:
    """Return what a person added to a fact; the whole of a metric that they measured."""
    if "run_id" in known.anchor and not row.get("run_id"):
        return row
    return {name: text for name, text in row.items() if name in known.keys or name not in known.locked}
