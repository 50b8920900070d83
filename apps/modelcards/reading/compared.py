"""The cards of versions that stand side by side, for the page of a comparison. One query, however many there are."""

from dataclasses import dataclass

from django.db.models import F

from apps.modelcards.content import Content
from apps.modelcards.diffing import FieldChange, differences
from apps.modelcards.models import CardRevision
from apps.registry.models import ModelVersion

MOST = 12  # fields that are shown; the page that compares two cards has all
ALWAYS_OTHER = frozenset({"model_name", "version", "date"})  # of two versions, so it tells nothing


@dataclass(frozen=True)
class Compared:
    """How the card of a later version differs from that of the base; `lacking` are the versions of both without one.

    `changes` are the first MOST of `count` fields that differ.
    """

    version: ModelVersion
    lacking: list[ModelVersion]
    changes: list[FieldChange]
    count: int


def compared(versions: tuple[ModelVersion, ...]) -> list[Compared]:
    """Return it for each version after the first, by the newest revisions; empty where no version has a card."""
    rows = CardRevision.objects.filter(card__version__in=[version.pk for version in versions])
    newest = rows.filter(number=F("card__number")).annotate(version=F("card__version"))
    cards = {row.version: Content(row.values, row.states) for row in newest}
    base, *later = versions
    return [_compared(base, version, cards) for version in later] if cards else []


def _compared(base: ModelVersion, version: ModelVersion, cards: dict[int, Content]) -> Compared:
    if lacking := [one for one in (base, version) if one.pk not in cards]:
        return Compared(version, lacking, [], 0)
    found = differences(cards[base.pk], cards[version.pk], states=False)
    told = [change for change in found if change.field.name not in ALWAYS_OTHER]
    return Compared(version, [], told[:MOST], len(told))
