"""What templates show of cards."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from apps.modelcards.markdown import rendered
from apps.modelcards.schema.fields import Field

register = template.Library()


@register.inclusion_tag("modelcards/_value.html")
def card_value(field: Field, value: Any) -> dict[str, Any]:
    """Show one value of a card: prose as Markdown, records as a table, nothing as a dash."""
    used = {name for row in value if isinstance(row, dict) for name in row} if isinstance(value, list) else set()
    return {"field": field, "value": value, "parts": [part for part in field.parts if part.name in used]}


@register.filter
def markdown(text: str) -> SafeString:
    """Return Markdown as safe HTML."""
    return rendered(text)


@register.filter
def part_of(row: dict[str, Any], name: str) -> Any:
    """Return one part of a record."""
    return row.get(name, "")
