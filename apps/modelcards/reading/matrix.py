"""Requirement levels as a table of fields and tiers, for pages and forms. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.modelcards.rules import Levels
from apps.modelcards.schema.fields import FIELDS, TIERS, Field, in_section
from apps.modelcards.schema.sections import LABELS, Section

LEVELS: tuple[tuple[str, str | Promise], ...] = (
    ("S", _("Staging and Production")),
    ("P", _("Production")),
    ("-", _("Not asked")),
)
LEVEL_LABELS = dict(LEVELS)


@dataclass(frozen=True)
class Cell:
    """What one field asks at one tier. `name` is that of its input."""

    tier: str
    level: str

    @property
    def label(self) -> str | Promise:
        """The level in words."""
        return LEVEL_LABELS.get(self.level, self.level)


@dataclass(frozen=True)
class Line:
    """One field with what it asks at each tier."""

    field: Field
    cells: list[Cell]


def matrix(levels: Levels) -> list[tuple[str | Promise, list[Line]]]:
    """Return the fields by section with what they ask."""
    return [(LABELS[section], [_line(field, levels) for field in in_section(section)]) for section in Section]


def typed(posted: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the levels that a form posted: inputs are named <field>.<tier>. What is absent is left out."""
    found = {field.name: {tier: posted[f"{field.name}.{tier}"] for tier in TIERS if f"{field.name}.{tier}" in posted}
             for field in FIELDS}  # fmt: skip
    return {name: by_tier for name, by_tier in found.items() if by_tier}


def changed(before: Levels, after: Levels) -> list[tuple[Field, str, Cell, Cell]]:
    """Return (field, tier, what it asked, what it asks) for what differs."""
    return [
        (field, tier, Cell(tier, old), Cell(tier, new))
        for field in FIELDS
        for tier in TIERS
        if (old := before[field.name].get(tier, "-")) != (new := after[field.name].get(tier, "-"))
    ]


def _line(field: Field, levels: Levels) -> Line:
    return Line(field, [Cell(tier, levels.get(field.name, {}).get(tier, "-")) for tier in TIERS])
