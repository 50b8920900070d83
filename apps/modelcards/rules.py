"""What of a card is settled, what is required for a stage and risk tier, and what is missing. Pure.

A gate asks whether everything required is settled; the percentage is for people. A field is settled when a person
confirmed it, when it is a fact as MLflow has it, or when somebody said why it does not apply. What stands in place
of an answer ("TBD", a sentence of ten letters, the same text as in another field) counts as empty.
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.modelcards.content import CARRIED, Content, State
from apps.modelcards.schema.fields import BY_NAME, FIELDS, TIERS, Field, Origin
from apps.modelcards.schema.kinds import Kind

PLACEHOLDERS = frozenset({
    "tbd", "tba", "todo", "to do", "fixme", "xxx", "n/a", "na", "none", "null", "unknown", "more information needed",
    "lorem ipsum", "未定", "未記入", "なし", "不明", "a definir", "pendente",
})  # fmt: skip
SHORTEST_PROSE = 20  # characters, wide ones counting three
STAGES = ("Staging", "Production")  # governed by requirements; S in a set is needed for both, P for the second
Levels = Mapping[str, Mapping[str, str]]  # {field: {tier: "S", "P" or "-"}}


class Standing(StrEnum):
    """How a field stands to being settled."""

    SETTLED = "settled"
    UNCONFIRMED = "unconfirmed"
    PLACEHOLDER = "placeholder"
    EMPTY = "empty"


STANDING_LABELS = {
    Standing.SETTLED: _("Settled"),
    Standing.UNCONFIRMED: _("To be confirmed"),
    Standing.PLACEHOLDER: _("A placeholder"),
    Standing.EMPTY: _("Empty"),
}
WEIGHTS = {Standing.SETTLED: 1.0, Standing.UNCONFIRMED: 0.5, Standing.PLACEHOLDER: 0.0, Standing.EMPTY: 0.0}


def built_in() -> dict[str, dict[str, str]]:
    """Return the levels of the table of fields, which hold until admins publish a set."""
    return {field.name: dict(zip(TIERS, field.requires, strict=True)) for field in FIELDS}


def tier_of(risk: str) -> str:
    """Return the tier by which a model is judged; one without a tier that we know is judged as high."""
    return risk.strip().lower() if risk.strip().lower() in TIERS else "high"


def required(levels: Levels, stage: str, tier: str) -> list[Field]:
    """Return the fields that must be settled to enter a stage; an unknown stage, or an alias, asks as Production."""
    enough = {"S"} if stage == "Staging" else {"S", "P"}
    return [field for field in FIELDS if levels.get(field.name, {}).get(tier, "-") in enough]


def standings(content: Content) -> dict[str, Standing]:
    """Return how each field of a card stands."""
    seen: dict[str, str] = {}
    return {field.name: _standing(field, content, seen) for field in FIELDS}


def missing(standing: Mapping[str, str], wanted: list[Field]) -> list[tuple[Field, Standing]]:
    """Return the wanted fields that are not settled, in order, with how they stand."""
    rows = [(field, Standing(standing.get(field.name, Standing.EMPTY))) for field in wanted]
    return [(field, how) for field, how in rows if how is not Standing.SETTLED]


def percent(standing: Mapping[str, str], wanted: list[Field]) -> int:
    """Return how complete a card is, 0 to 100: 100 only when nothing is missing. Nothing wanted: 100."""
    if not wanted:
        return 100
    done = sum(WEIGHTS[Standing(standing.get(field.name, Standing.EMPTY))] for field in wanted)
    return int(100 * done / len(wanted))


def placeholder(text: str) -> bool:
    """Return whether a text stands in place of an answer."""
    plain = text.strip("*_.!()[]<> \n").casefold()
    return plain in PLACEHOLDERS or not any(sign.isalnum() for sign in text)


def _standing(field: Field, content: Content, seen: dict[str, str]) -> Standing:
    state = content.states.get(field.name, {})
    if state.get("state") == State.NOT_APPLICABLE:
        return Standing.SETTLED if state.get("by") else Standing.UNCONFIRMED
    value = content.values.get(field.name)
    if value is None:
        return Standing.EMPTY
    if _hollow(field, value, seen):
        return Standing.PLACEHOLDER
    if state.get("state") == State.CONFIRMED:
        return Standing.SETTLED
    as_mlflow_has_it = (
        field.origin is Origin.FACT
        and state.get("state") == State.PREFILLED
        and not str(state.get("source", "")).startswith(CARRIED)
    )
    return Standing.SETTLED if as_mlflow_has_it and "override" not in state else Standing.UNCONFIRMED


def _hollow(field: Field, value: Any, seen: dict[str, str]) -> bool:
    if field.origin is Origin.FACT:
        return False
    if field.kind is Kind.PROSE:
        return placeholder(value) or _length(value) < SHORTEST_PROSE or _copied(field, value, seen)
    return all(placeholder(text) for text in _texts(value))


def _copied(field: Field, value: str, seen: dict[str, str]) -> bool:
    """Return whether the same prose stands in a field before this one."""
    return seen.setdefault(" ".join(value.casefold().split()), field.name) != field.name


def _length(text: str) -> int:
    return sum(3 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text.strip())


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else [str(value)]


def check_levels(levels: Any) -> dict[str, dict[str, str]]:
    """Return levels as a set keeps them: for every field and tier a letter. Raises ValueError naming field and tier."""
    if not isinstance(levels, dict) or set(levels) - set(BY_NAME):
        raise ValueError("levels")
    found = built_in()
    for name, by_tier in levels.items():
        if not isinstance(by_tier, dict):
            raise ValueError(name)
        for tier, level in by_tier.items():
            if tier not in TIERS or level not in ("S", "P", "-"):
                raise ValueError(f"{name}.{tier}")
            found[name][tier] = level
    return found
