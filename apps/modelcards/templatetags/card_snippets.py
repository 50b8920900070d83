"""How a training script fills a card, to copy from its page."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.templatetags.static import static

from apps.registry.models import ModelVersion

register = template.Library()


@register.inclusion_tag("modelcards/_from_training.html", takes_context=True)
def card_from_training(context: dict[str, Any], version: ModelVersion) -> dict[str, Any]:
    """Show the lines that fill the card of a version; nothing for one that MLflow no longer has."""
    if version.deleted_at or version.model.deleted_at:
        return {"code": ""}
    return {"code": lines(context["request"], version)}


def lines(request: HttpRequest, version: ModelVersion) -> str:
    """Return the lines of a notebook's cell, with the address of this server."""
    here = request.build_absolute_uri("/").rstrip("/")
    tool = request.build_absolute_uri(static("cli/card_from_training.py"))
    return "\n".join(
        [
            "# ASSENT_TOKEN holds a token with the scope write",
            "import urllib.request",
            f"urllib.request.urlretrieve({tool!r}, 'card_from_training.py')",
            "from card_from_training import fill_card",
            f"fill_card({version.model.reference!r}, {version.number}, {{",
            "    'intended_use': 'Which decision it supports, where, and how its answer is used.',",
            "    'limitations': ['Where it is known to be weak.'],",
            "    'performance_metrics': [{'name': 'accuracy', 'slice': 'under 25', 'value': 0.81}],",
            f"}}, url={here!r})",
        ]
    )
