"""Template library `inventory_tags`: the heads and the rows of the list of models.

Written here and not in a template: fifty rows of nine cells took most of the page's time.
"""

from collections.abc import Iterable
from functools import lru_cache
from html import escape
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.registry.inventory.pages import Column
from apps.registry.marks import chip, icon

register = template.Library()
NOTHING = '<span class="quiet">–</span>'
ARROWS = {"ascending": "arrow-up", "descending": "arrow-down"}


@register.simple_tag
def model_heads(columns: Iterable[Column]) -> SafeString:
    """Write the heads of the columns, each a link that sorts by it."""
    return SafeString("".join(_head(column) for column in columns))


def _head(column: Column) -> str:
    arrow = icon(ARROWS[column.sorted]) if column.sorted in ARROWS else ""
    link = f'<a href="{escape(column.href)}">{escape(str(column.label))}{arrow}</a>'
    return f'<th scope="col" aria-sort="{column.sorted}">{link}</th>'


@register.simple_tag
def model_rows(rows: Iterable[dict[str, Any]]) -> SafeString:
    """Write the rows (from inventory.pages.lines), each cell with its column's name for narrow screens."""
    starts = _starts(get_language())
    return SafeString("".join(_row(row, starts) for row in rows))  # every value is escaped where it is written


@lru_cache(maxsize=32)
def _starts(_language: str | None) -> tuple[str, ...]:
    """Return how each cell but the first begins, without the end of its tag."""
    names = (_("Owner"), _("Risk"), _("Production"), _("Candidate"), _("Framework"), _("Requests"), _("Drift"),
             _("Last change"))  # fmt: skip
    return tuple(f'<td data-label="{escape(name)}"' for name in names)


def _row(row: dict[str, Any], starts: tuple[str, ...]) -> str:
    contents = (
        escape(row["owner"]), escape(row["risk"]), _production(row), _candidate(row), escape(row["framework"]),
        _requests(row), _drift(row), _changed(row),
    )  # fmt: skip
    cells = [
        f"{start}>{content}</td>" if content else f'{start} class="is-void">{NOTHING}</td>'
        for start, content in zip(starts, contents, strict=True)
    ]
    return f"<tr>{_name(row)}{''.join(cells)}</tr>\n"


def _name(row: dict[str, Any]) -> str:
    deleted = f" {chip('danger', 'x', _('Deleted in MLflow'))}" if row["deleted_at"] else ""
    described = f'<span class="sub clamp">{escape(row["description"])}</span>' if row["description"] else ""
    link = f'<a class="strong-link" href="{escape(row["href"])}">{escape(row["reference"])}</a>'
    return f'<th scope="row">{link}{deleted}{described}</th>'


def _production(row: dict[str, Any]) -> str:
    if not row["production_number"]:
        return f'<span class="quiet">{escape(_("none"))}</span>'
    age = f' <span class="quiet">· {escape(row["production_age"])}</span>' if row["production_age"] else ""
    aliases = "".join(f' <span class="alias">@{escape(alias)}</span>' for alias in row["production_aliases"])
    link = f'<a href="{escape(row["production_href"])}">v{row["production_number"]}</a>'
    return f"<div>{link}{age}{aliases}</div>"


def _candidate(row: dict[str, Any]) -> str:
    if not row["candidate_number"]:
        return ""
    link = f'<a href="{escape(row["candidate_href"])}">v{row["candidate_number"]}</a>'
    mark = chip(row["candidate_tone"], row["candidate_icon"], row["candidate_label"])
    return f'<div class="chips">{link}{mark}</div>'


def _requests(row: dict[str, Any]) -> str:
    number = row["open_requests"]
    return f'<span class="nowrap">{icon("inbox")} {number} {escape(_("open"))}</span>' if number else ""


def _drift(row: dict[str, Any]) -> str:
    return chip("warning", "alert", f"{row['open_drift']} {_('to decide')}") if row["open_drift"] else ""


def _changed(row: dict[str, Any]) -> str:
    return f'<time datetime="{row["updated_at"].isoformat()}">{escape(row["updated_ago"])}</time>'
