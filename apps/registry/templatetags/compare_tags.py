"""Template library `compare_tags`: the marks of a comparison.

A page has thousands of marks of a few kinds: each kind is rendered once per language. And it has hundreds of rows:
they are written here, for a template took most of the page's time.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from apps.registry.comparing import MetricCell
from apps.registry.comparing.metrics import MetricRow
from apps.registry.comparing.sections import Cell, Line
from apps.registry.figures import figure, percent, signed

register = template.Library()
NOTHING = '<span class="quiet">–</span>'


@register.simple_tag
def same_rows(lines: Iterable[Line]) -> SafeString:
    """Write the rows of what is the same in all versions: hundreds, which a template takes too long for."""
    label = gettext("In all")
    row = '<tr class="is-same"><th scope="row">{}</th><td data-label="{}"><code>{}</code></td></tr>'
    return format_html_join("", row, ((line.name, label, line.cells[0].text) for line in lines))


@register.simple_tag
def changed_rows(lines: Iterable[Line], pair: bool) -> SafeString:
    """Write the rows of what differs: a pair of versions has a column for the change, more have it in each cell."""
    return SafeString("".join(_changed_row(line, pair) for line in lines))  # its parts are escaped


def _changed_row(line: Line, pair: bool) -> str:
    mark = f"<td>{change_mark(line.change, line.effect)}</td>" if pair else ""
    tone = " word-bad" if line.effect == "breaking" else ""
    note = f'<span class="sub{tone}">{escape(line.note)}</span>' if line.note else ""
    cells = "".join(_changed_cell(cell, pair) for cell in line.cells)
    return f'<tr>{mark}<th scope="row">{escape(line.name)}{note}</th>{cells}</tr>\n'


def _changed_cell(cell: Cell, pair: bool) -> str:
    text = f"<code>{escape(cell.text)}</code>" if cell.text else NOTHING
    differs = not pair and cell.change not in ("", "same")
    mark = f'<span class="sub">{change_mark(cell.change, cell.effect)}</span>' if differs else ""
    return f'<td data-label="{escape(cell.label)}"><span>{text}{mark}</span></td>'


@register.simple_tag
def metric_cells(row: MetricRow, labels: list[str]) -> SafeString:
    """Write a metric's value in each version. `labels` name the versions; the base's stands first.

    Of two versions the difference and what it means have columns of their own; of more they stand in each cell.
    """
    base = f'<td class="number" data-label="{escape(labels[0])}">{_value(row.base)}</td>'
    write = _pair_cells if len(labels) == 2 else _wide_cell
    cells = (write(label, cell) for label, cell in zip(labels[1:], row.cells, strict=True))
    return SafeString(base + "".join(cells))  # labels and values are escaped


def _pair_cells(label: str, cell: MetricCell) -> str:
    difference = NOTHING if cell.delta is None else f"<span>{signed(cell.delta)}{_share(cell)}</span>"
    return (
        f'<td class="number" data-label="{escape(label)}"><span>{_value(cell.candidate)}</span></td>'
        f'<td class="number" data-label="{escape(gettext("Difference"))}">{difference}</td>'
        f'<td class="short" data-label="{escape(gettext("Meaning"))}">{verdict_mark(cell)}</td>'
    )


def _wide_cell(label: str, cell: MetricCell) -> str:
    share = f" ({percent(cell.percent)})" if cell.percent else ""
    difference = f"{signed(cell.delta)}{share} " if cell.delta else ""
    return (
        f'<td class="number" data-label="{escape(label)}"><span>{_value(cell.candidate)}'
        f'<span class="sub">{difference}{verdict_mark(cell)}</span></span></td>'
    )


def _share(cell: MetricCell) -> str:
    return f' <span class="quiet">({percent(cell.percent)})</span>' if cell.percent else ""


def _value(value: Any) -> str:
    return NOTHING if value is None else escape(figure(value))


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
