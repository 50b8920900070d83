"""The column "Card" of the list of models, and models found by their cards: told to the registry, which has none."""

from html import escape
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Lower, Trim
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.modelcards import queries, requirements, rules
from apps.modelcards.models import Card, CardState
from apps.modelcards.requirements import Requirements
from apps.modelcards.rules import Standing
from apps.modelcards.schema.fields import TIERS
from apps.registry.inventory.beside import answers, beside
from apps.registry.marks import chip
from apps.registry.models import Stage

LOOKS = {
    CardState.DRAFT: ("neutral", "edit"), CardState.IN_REVIEW: ("info", "clock"),
    CardState.APPROVED: ("success", "check-circle"), CardState.ARCHIVED: ("neutral", "archive"),
}  # fmt: skip


@beside
def card_cells(rows: list[dict[str, Any]]) -> dict[int, SafeString]:
    """Return what stands in the column for each model: of the version in Production, else of the newest.

    One query for a whole page: the cards, and beside them what is asked of them.
    """
    cards = cards_shown([row["id"] for row in rows])
    return {row["id"]: _cell(row, cards[row["id"]]) for row in rows if row["id"] in cards}


def cards_shown(models: list[int]) -> dict[int, Card]:
    """Return the cards by model: of the version in Production, else of the newest. One query."""
    return {card.model_id: card for card in requirements.beside(_shown().filter(model__in=models))}


@answers("card")
def in_state(value: str) -> Q:
    """Return the models whose card that is shown is in a state; "none": that have none."""
    cards = _shown() if value == "none" else _shown().filter(state=value)
    found = Q(pk__in=cards.values("model"))
    return ~found if value == "none" else found


@answers("complete")
def is_complete(value: str) -> Q:
    """Return the models whose card that is shown lacks nothing of what is asked of it, or ("no") does. One query."""
    cards = _shown().annotate(tier=Lower(Trim("model__risk"))).filter(_lacks_nothing(requirements.current()))
    found = Q(pk__in=cards.values("model"))
    return ~found if value == "no" else found


def _shown() -> QuerySet[Card]:
    """Return the cards of versions in Production, and of the newest ones of models that have nothing there."""
    shown = Coalesce("model__production_number", "model__newest_number")
    return Card.objects.filter(version_number=shown)


def _lacks_nothing(asked: Requirements) -> Q:
    """Return which cards hold all that is asked, as queries.completeness says of each: 100 percent in the column."""
    found = Q(pk__in=[])
    for stage in rules.STAGES:
        for tier in TIERS:
            there = Q(model__production_number__isnull=stage != Stage.PRODUCTION) & _of_tier(tier)
            found |= there & _settled([field.name for field in rules.required(asked.levels, stage, tier)])
    return found


def _settled(names: list[str]) -> Q:
    """Return the cards in which all these fields are settled. SQLite looks each up; PostgreSQL all at once, sooner."""
    if connection.features.supports_json_field_contains:
        return Q(standing__contains=dict.fromkeys(names, Standing.SETTLED.value))
    return Q(**{f"standing__{name}": Standing.SETTLED.value for name in names})


def _of_tier(tier: str) -> Q:
    """Return the cards of models that are asked as of a tier; as rules.tier_of says it."""
    return ~Q(tier__in=[other for other in TIERS if other != "high"]) if tier == "high" else Q(tier=tier)


def _cell(row: dict[str, Any], card: Card) -> SafeString:
    stage = Stage.PRODUCTION if row["production_number"] else Stage.STAGING
    how = queries.completeness(card, row["risk"], stage, asked=requirements.asked_of(card))
    href = f"{row['href']}v/{card.version_number}/card/"
    label = escape(_("Card of v%(number)s") % {"number": card.version_number})
    state = CardState(card.state)
    link = f'<a href="{escape(href)}" aria-label="{label}: {how.percent} %">{how.percent} %</a>'
    return SafeString(f'<div class="chips">{link}{chip(*LOOKS[state], state.label)}</div>')
