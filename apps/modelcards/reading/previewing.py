"""What a requirement set would change, before it is published: how many cards in use would then lack something."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.errors import Conflict, InvalidInput
from apps.modelcards import requirements, rules
from apps.modelcards.models import Card
from apps.modelcards.reading.matrix import Cell, changed
from apps.modelcards.schema.fields import TIERS, Field
from apps.registry.models import ModelVersion
from apps.registry.queries import visible_models
from apps.texts import text_from

IN_USE = rules.STAGES
NAMED = 20  # cards that are named


@dataclass(frozen=True)
class Lacking:
    """A version in use whose card would lack something that it does not lack now."""

    version: ModelVersion
    fields: list[Field]


@dataclass(frozen=True)
class Preview:
    """What publishing would do. `newly` is how many cards would come to lack something, `named` the first of them."""

    changes: list[tuple[Field, str, Cell, Cell]]
    in_use: int  # cards of versions in Staging or Production
    without: int  # versions there without a card
    newly: int
    named: list[Lacking]
    freed: int  # cards that would lack nothing any more


def preview(levels: Any, *, reason: str, seen: int, by: Any) -> Preview:
    """Return what a set would change among the models that a person sees.

    Raises InvalidInput (fields "levels", "reason") and Conflict, as `requirements.publish` would.
    """
    try:
        wanted = rules.check_levels(levels)
    except ValueError as error:
        message = _("Levels are S, P or - for each field and tier; this one is not: %(what)s.")
        raise InvalidInput(message % {"what": error}, field="levels") from None
    text_from(reason, field="reason")
    now = requirements.current()
    if now.number != seen:
        message = _("Set %(number)s was published while you were editing. Look at it, then make your change again.")
        raise Conflict(message % {"number": now.number})
    changes = changed(now.levels, wanted)
    if not changes:
        raise Conflict(_("This set asks for the same as the one that governs. There is nothing to publish."))
    return _counted(changes, now.levels, wanted, by)


def _counted(changes: list[tuple[Field, str, Cell, Cell]], old: rules.Levels, new: rules.Levels, by: Any) -> Preview:
    """Go through the cards in use, one query in portions, keeping none but those that are named."""
    asked = {(stage, tier): (rules.required(old, stage, tier), rules.required(new, stage, tier))
             for stage in IN_USE for tier in TIERS}  # fmt: skip
    versions = ModelVersion.objects.filter(model__in=visible_models(by), model__deleted_at=None, deleted_at=None,
                                           stage__in=IN_USE)  # fmt: skip
    cards = Card.objects.filter(version__in=versions).order_by("pk")
    rows = cards.values_list("version_id", "standing", "version__stage", "version__model__risk")
    in_use = newly = freed = 0
    named: dict[int, list[Field]] = {}
    for version, standing, stage, risk in rows.iterator(chunk_size=500):
        in_use += 1
        before, after = asked[stage, rules.tier_of(risk)]
        lacks = rules.missing(standing, after)
        freed += bool(not lacks and rules.missing(standing, before))
        if fields := [field for field, _how in lacks if field not in before]:
            newly += 1
            named |= {version: fields} if len(named) < NAMED else {}
    found = ModelVersion.objects.select_related("model").in_bulk(named)
    lacking = [Lacking(found[version], fields) for version, fields in named.items()]
    return Preview(changes, in_use, versions.filter(card=None).count(), newly, lacking, freed)
