"""The column "Card" of the list of models: told to the registry, which knows nothing of cards."""

from html import escape
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.modelcards import queries, requirements
from apps.modelcards.models import Card, CardState
from apps.registry.inventory.beside import beside
from apps.registry.marks import chip
from apps.registry.models import Stage

LOOKS = {
    CardState.DRAFT: ("neutral", "edit"), CardState.IN_REVIEW: ("info", "clock"),
    CardState.APPROVED: ("success", "check-circle"), CardState.ARCHIVED: ("neutral", "archive"),
}  # fmt: skip


@beside
def card_cells(rows: list[dict[str, Any]]) -> dict[int, SafeString]:
    """Return what stands in the column for each model: of the version in Production, else of the newest.

    Two queries for a whole page: the cards, and what is asked of them.
    """
    cards = cards_shown([row["id"] for row in rows])
    asked = requirements.current() if cards else None
    return {row["id"]: _cell(row, cards[row["id"]], asked) for row in rows if row["id"] in cards}


def cards_shown(models: list[int]) -> dict[int, Card]:
    """Return the cards by model: of the version in Production, else of the newest. One query."""
    shown = Coalesce("version__model__production_number", "version__model__newest_number")
    found = Card.objects.filter(version__model__in=models, version__number=shown).annotate(
        model_id=F("version__model_id"), version_number=F("version__number")
    )
    return {card.model_id: card for card in found}


def _cell(row: dict[str, Any], card: Any, asked: Any) -> SafeString:
    stage = Stage.PRODUCTION if row["production_number"] else Stage.STAGING
    how = queries.completeness(card, row["risk"], stage, asked=asked)
    href = f"{row['href']}v/{card.version_number}/card/"
    label = escape(_("Card of v%(number)s") % {"number": card.version_number})
    state = CardState(card.state)
    link = f'<a href="{escape(href)}" aria-label="{label}: {how.percent} %">{how.percent} %</a>'
    return SafeString(f'<div class="chips">{link}{chip(*LOOKS[state], state.label)}</div>')
