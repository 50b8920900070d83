"""Template library `check_tags`: the result of a check of data, in words."""

from django import template

from apps.registry.data_check.checking import Finding
from apps.registry.data_check.texts import word

register = template.Library()


@register.filter
def problem_word(finding: Finding) -> str:
    """Name what is wrong in a word or two."""
    return word(finding)
