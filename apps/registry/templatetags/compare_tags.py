"""Template library `compare_tags`: the marks of a comparison.

A page has thousands of marks of a few kinds: each kind is rendered once per language.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from apps.registry.comparing import MetricCell
from apps.registry.comparing.sections import Line

register = template.Library()


@register.simple_tag
def same_rows(lines: Iterable[Line]) -> SafeString:
    """Write the rows of what is the same in all versions: hundreds, which a template takes too long for."""
    label = gettext("In all")
    row = '<tr class="is-same"><th scope="row">{}</th><td data-label="{}"><code>{}</code></td></tr>'
    return format_html_join("", row, ((line.name, label, line.cells[0].text) for line in lines))


@register.filter
def verdict_mark(cell: MetricCell) -> SafeString:
    """Say in a word with its sign what a metric's difference means."""
    if cell.candidate is None and cell.base is None:
        return SafeString("")
    sign = 0 if cell.delta is None else (cell.delta > 0) - (cell.delta < 0)
    return _verdict(
        get_language(), cell.candidate is None, cell.base is None, cell.verdict, sign, cell.direction is not None
    )


@register.simple_tag
def change_mark(change: str, effect: str = "") -> SafeString:
    """Say in a word with its sign how something changed: "added", "changed, breaking", "up by a major version"."""
    return _change(get_language(), change, effect)


@lru_cache(maxsize=256)
def _verdict(_language: str, gone: bool, new: bool, verdict: str, sign: int, known: bool) -> SafeString:
    row: dict[str, Any] = {
        "candidate": None if gone else 0,
        "base": None if new else 0,
        "verdict": verdict,
        "delta": sign,
        "direction": known,
    }
    return render_to_string("registry/_verdict.html", {"row": row})


@lru_cache(maxsize=256)
def _change(_language: str, change: str, effect: str) -> SafeString:
    return render_to_string("registry/_change.html", {"change": change, "effect": effect})
