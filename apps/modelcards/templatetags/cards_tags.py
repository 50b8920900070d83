"""Template library `cards_tags`: cards on pages of the apps below and above."""

from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.modelcards import queries, requirements
from apps.modelcards.reading.compared import Compared, compared
from apps.modelcards.reading.page import next_stage, rights
from apps.registry.models import ModelVersion, RegisteredModel, Stage

register = template.Library()


@register.inclusion_tag("modelcards/_on_version.html", takes_context=True)
def version_card(context: template.Context, version: ModelVersion) -> dict[str, Any]:
    """Show the card of a version: its state, how complete it is for the next stage, and what is missing."""
    found, user = queries.card_of(version), context.get("user")
    stage = next_stage(version)
    return {
        "version": version,
        "model": version.model,
        "card": found,
        "stage": stage,
        "how": queries.completeness(found, version.model.risk, stage) if found else None,
        "may_start": isinstance(user, User) and rights(version, None, user).write,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("modelcards/_on_model.html")
def model_cards(
    model: RegisteredModel, production: ModelVersion | None, candidate: ModelVersion | None
) -> dict[str, Any]:
    """Show the cards of the version in Production and of the candidate, each for the stage that is next."""
    versions = [version for version in (production, candidate) if version]
    if production and candidate and production.pk == candidate.pk:
        versions = [production]
    if not versions:
        return {"rows": []}
    asked, found = requirements.current(), queries.cards_of(version.pk for version in versions)
    rows = []
    for version in versions:
        card, stage = found.get(version.pk), next_stage(version)
        rows.append((version, card, stage, queries.completeness(card, model.risk, stage, asked=asked)))
    return {"model": model, "rows": rows}


@register.inclusion_tag("modelcards/_gaps.html")
def card_gaps(version: ModelVersion, stage: str) -> dict[str, Any]:
    """Link each field of a version's card that a stage asks and that is not settled. `stage` empty: an alias."""
    how = queries.completeness(queries.card_of(version), version.model.risk, stage or Stage.PRODUCTION)
    return {"version": version, "model": version.model, "missing": how.missing}


@register.simple_tag
def compared_cards(versions: tuple[ModelVersion, ...]) -> list[Compared]:
    """Return how the cards of later versions differ from the first one's; empty where none has a card."""
    return compared(versions)


@register.inclusion_tag("modelcards/_compared.html")
def card_sections(rows: list[Compared], base: ModelVersion) -> dict[str, Any]:
    """Show the fields of cards that differ, field by field."""
    return {"rows": rows, "base": base}


@register.simple_tag
def card_point(row: Compared) -> str:
    """Say in a few words how a card differs."""
    if row.lacking:
        return _("only one of the two has a card") if len(row.lacking) == 1 else _("neither has a card")
    if not row.count:
        return _("card: no difference in what people say")
    return ngettext("card: %(n)d field differs", "card: %(n)d fields differ", row.count) % {"n": row.count}


@register.filter
def at_place(rows: list[Any], place: int) -> Any:
    """Return what stands at a place counted from 0; None beyond the end."""
    return rows[place] if place < len(rows) else None
