"""Which two revisions of cards are looked at side by side."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.errors import InvalidInput
from apps.modelcards import queries
from apps.modelcards.content import Content
from apps.modelcards.diffing import FieldChange, differences
from apps.modelcards.models import Card, CardRevision
from apps.registry.queries import get_version


@dataclass(frozen=True)
class Sides:
    """A revision of a card, and what it is compared with: of which card, and None before the first revision."""

    card: Card
    other: CardRevision
    before_of: Card
    base: CardRevision | None

    def changes(self) -> list[FieldChange]:
        """Return what differs, field by field."""
        before = Content() if self.base is None else queries.content_of(self.base)
        return differences(before, queries.content_of(self.other))


def sides(user: Any, reference: str, number: int, *, base: int | None = None, other: int | None = None,
          against: int | None = None) -> Sides:  # fmt: skip
    """Return two revisions of the card of a version, the newest and the one before it unless told otherwise.

    `against`: another version of the model, whose card (at revision `base`, else its newest) is compared with. Raises
    NotVisible, and InvalidInput (field "version") where that version has no card.
    """
    card = queries.get_card(user, reference, number)
    later = queries.revision(card, other)
    if against is not None and against != number:
        there = queries.card_of(get_version(user, reference, against))
        if there is None:
            message = _("Version %(number)s has no card, so there is nothing to compare with.")
            raise InvalidInput(message % {"number": against}, field="version")
        return Sides(card, later, there, queries.revision(there, base))
    before = later.number - 1 if base is None else base
    return Sides(card, later, card, queries.revision(card, before) if before else None)
