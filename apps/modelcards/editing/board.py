"""What the editor works on: a card with its version, what MLflow says now, and revisions as they are asked for."""

from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.errors import InvalidInput, NotAllowed, NotVisible
from apps.modelcards import facts, filling, queries, services
from apps.modelcards.content import Content
from apps.modelcards.facts import Fact
from apps.modelcards.models import Card, CardRevision
from apps.modelcards.schema.sections import Section
from apps.registry.models import ModelVersion
from apps.registry.queries import get_version


@dataclass(frozen=True)
class Board:
    """A card that somebody edits."""

    version: ModelVersion
    card: Card
    facts: dict[str, Fact]
    by: User

    @cached_property
    def newest(self) -> CardRevision:
        """The newest revision."""
        return queries.revision(self.card)

    @cached_property
    def content(self) -> Content:
        """What the newest revision says."""
        return queries.content_of(self.newest)

    @cached_property
    def shown(self) -> Content:
        """The same with facts as MLflow says them now."""
        return filling.refreshed(self.content, self.facts)

    def at(self, number: int) -> Content:
        """Return what a revision says. Raises InvalidInput (field "base") where the card has none of this number."""
        if number == self.card.number:
            return self.content
        try:
            return queries.content_of(queries.revision(self.card, number))
        except NotVisible:
            message = _("The form does not say from which revision it was made. Look through it, then save it again.")
            raise InvalidInput(message, field="base") from None


def load(reference: str, number: int, by: User) -> Board:
    """Return the card of a version for somebody who may write it. Raises NotVisible and NotAllowed."""
    version = get_version(by, reference, number)
    if not grants.allows(by, services.NEEDED, version.model):
        raise NotAllowed(_("Writing a card needs the permission to write on this model. Ask an admin for a role."))
    card = queries.card_of(version)
    if card is None:
        raise NotVisible(_("This version has no card yet. Start one: what MLflow knows is filled in."))
    return Board(version, card, facts.facts_of(version), by)


def section_named(name: str) -> Section:
    """Return the section of this name. Raises NotVisible."""
    if name not in set(Section):
        raise NotVisible(_("A card has no such section."))
    return Section(name)
