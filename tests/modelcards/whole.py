"""A card that says all that is asked, whatever MLflow knows of the version."""

from typing import Any

from apps.accounts.models import User
from apps.modelcards import queries, rules, services
from apps.modelcards.filling import Edit
from apps.modelcards.models import Card, CardRevision
from apps.modelcards.schema.fields import Field
from apps.modelcards.schema.kinds import Kind


def whole_card(reference: str, number: int, *, by: User, stage: str = "Production", tier: str = "high") -> CardRevision:
    """Start the card of a version, fill in all that a stage asks at a tier, and confirm it."""
    services.start(reference, number, by=by)
    card = Card.objects.get(version__model__name=reference, version__number=number)
    wanted = rules.missing(card.standing, rules.required(rules.built_in(), stage, tier))
    said = queries.content_of(queries.revision(card)).values
    values = {field.name: said.get(field.name) or _answer(field) for field, _how in wanted}
    return services.save(reference, number, Edit(values, frozenset(values)), base=card.number, by=by)


def _answer(field: Field) -> Any:
    text = f"What is to be said of {field.label} here, in a sentence."
    match field.kind:
        case Kind.LINE | Kind.PROSE:
            return text
        case Kind.ITEMS:
            return [text]
        case Kind.MAPPING:
            return {"depth": "3"}
        case Kind.RECORD:
            return {field.parts[0].name: text}
        case Kind.RECORDS:
            return [{field.parts[0].name: text}]
    raise AssertionError(field.kind)
