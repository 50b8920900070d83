"""Roles as people read them."""

from typing import Any

from django import template
from django.db.models import Model

from apps.accounts.roles import ROLES

register = template.Library()


@register.filter
def role_labels(names: list[str]) -> list[str]:
    """Return the labels of role names: ["ml_engineer"] → ["ML engineer"]."""
    return [str(ROLES[name].label) if name in ROLES else name for name in names]


@register.filter
def model_name(model: Model) -> Any:
    """Return a governed model's name, for links."""
    return getattr(model, "reference", str(model))
