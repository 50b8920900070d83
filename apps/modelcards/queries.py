"""Reading cards. Who sees a model sees its cards."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.errors import NotVisible
from apps.modelcards import facts, filling, requirements, rules
from apps.modelcards.content import Content
from apps.modelcards.models import Card, CardRevision
from apps.modelcards.requirements import Requirements
from apps.modelcards.rules import Standing
from apps.modelcards.schema.fields import Field
from apps.registry.models import ModelVersion
from apps.registry.queries import get_version


@dataclass(frozen=True)
class Completeness:
    """How a card stands to what a stage and tier ask. `number`: of the requirement set."""

    percent: int
    wanted: int
    missing: list[tuple[Field, Standing]]
    number: int

    @property
    def complete(self) -> bool:
        """Whether everything asked is settled."""
        return not self.missing


def card_of(version: ModelVersion) -> Card | None:
    """Return the card of a version that the caller may see, or None while there is none."""
    card = Card.objects.filter(version=version).select_related("approved_by").first()
    if card:
        card.version = version
    return card


def reading(version: ModelVersion) -> dict[str, Any] | None:
    """Return what is signed of a version's card: its newest revision and that one's digest; None without a card."""
    found = Card.objects.filter(version=version).values_list("number", "digest").first()
    return {"revision": found[0], "digest": found[1]} if found else None


def get_card(user: Any, reference: str, number: int) -> Card:
    """Return the card of a version. Raises NotVisible, also where the version has none yet."""
    card = card_of(get_version(user, reference, number))
    if card is None:
        raise NotVisible(_("This version has no card yet. Start one: what MLflow knows is filled in."))
    return card


def revision(card: Card, number: int | None = None) -> CardRevision:
    """Return a revision of a card, the newest without a number. Raises NotVisible."""
    wanted = card.number if number is None else number
    found = card.revisions.filter(number=wanted).select_related("author").first() if wanted < 2**31 else None
    if found is None:
        raise NotVisible(_("This card has no revision %(number)s.") % {"number": wanted})
    return found


def content_of(row: CardRevision) -> Content:
    """Return what a revision says."""
    return Content(row.values, row.states)


def as_of_now(version: ModelVersion, content: Content) -> Content:
    """Return the card with facts as MLflow has them now. One query."""
    return filling.refreshed(content, facts.facts_of(version))


def outdated(version: ModelVersion, content: Content, now: Content | None = None) -> list[str]:
    """Return the fields whose facts MLflow has differently now: the card is no longer in step.

    `now` is what `as_of_now` answered, where that was asked already; without it one query.
    """
    now = now or as_of_now(version, content)
    names = {**content.values, **now.values}
    return [name for name in names if (now.values.get(name), now.states.get(name)) !=
            (content.values.get(name), content.states.get(name))]  # fmt: skip


def completeness(
    card: Card | None, risk: str, stage: str = "Production", *, asked: Requirements | None = None
) -> Completeness:
    """Return how a card (None: there is none) stands to what a stage asks of a model of this risk tier.

    `asked` is the requirement set, read once for a page of cards; without it one query.
    """
    asked = asked or requirements.current()
    wanted, standing = rules.required(asked.levels, stage, rules.tier_of(risk)), card.standing if card else {}
    lacking = rules.missing(standing, wanted)
    return Completeness(rules.percent(standing, wanted), len(wanted), lacking, asked.number)


def cards_of(versions: Iterable[int]) -> dict[int, Card]:
    """Return the cards of many versions by the version's key, without their revisions: one query."""
    return {card.version_id: card for card in Card.objects.filter(version__in=list(versions))}
