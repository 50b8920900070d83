"""How the model cards of versions stood at a moment: by the newest revision and requirement set of then."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db.models import OuterRef, Subquery
from django.utils.functional import Promise

from apps.modelcards import requirements, rules
from apps.modelcards.content import Content
from apps.modelcards.models import Card, CardRevision
from apps.registry.models import ModelVersion, Stage


class CardThen(NamedTuple):
    """A card as it stood. `lacking`: labels of the fields that Production asks and that were not settled."""

    number: int  # of the revision
    percent: int
    lacking: tuple[str | Promise, ...]
    requirement_set: int


def cards_of(versions: Iterable[ModelVersion], at: datetime | None, tiers: Mapping[int, str]) -> dict[int, CardThen]:
    """Return the cards of versions by the version's key; `at` None: as they are. Two queries for any number of them.

    `tiers`: the risk tier at that moment, by the model's key.
    """
    known = {version.pk: version for version in versions}
    if not known:
        return {}
    asked = requirements.current(at)
    found = {}
    for key, number, standing in _then(known, at) if at else _now(known):
        wanted = rules.required(asked.levels, Stage.PRODUCTION, rules.tier_of(tiers[known[key].model_id]))
        lacking = tuple(field.label for field, _how in rules.missing(standing, wanted))
        found[key] = CardThen(number, rules.percent(standing, wanted), lacking, asked.number)
    return found


Row = tuple[int, int, dict[str, str]]


def _now(keys: Iterable[int]) -> list[Row]:
    return list(Card.objects.filter(version__in=list(keys)).values_list("version_id", "number", "standing"))


def _then(keys: Iterable[int], at: datetime) -> list[Row]:
    """What was settled is worked out anew from what the revision says."""
    by_then = CardRevision.objects.filter(card=OuterRef("card"), created_at__lte=at).order_by("-number")
    rows = CardRevision.objects.filter(card__version__in=list(keys), number=Subquery(by_then.values("number")[:1]))
    return [
        (key, number, {name: str(how) for name, how in rules.standings(Content(values, states)).items()})
        for key, number, values, states in rows.values_list("card__version_id", "number", "values", "states")
    ]
