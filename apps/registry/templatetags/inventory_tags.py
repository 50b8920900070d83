"""Template library `inventory_tags`: the rows of the list of models.

Written here and not in a template: fifty rows of nine cells took most of the page's time.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()
NOTHING = '<span class="quiet">–</span>'


@register.simple_tag
def model_rows(rows: Iterable[dict[str, Any]]) -> SafeString:
    """Write the rows (from inventory.pages.lines), each cell with its column's name for narrow screens."""
    cells: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
        (escape(_("Owner")), lambda row: escape(row["owner"])),
        (escape(_("Risk")), lambda row: escape(row["risk"])),
        (escape(_("Production")), _production),
        (escape(_("Candidate")), _candidate),
        (escape(_("Framework")), lambda row: escape(row["framework"])),
        (escape(_("Requests")), _requests),
        (escape(_("Drift")), _drift),
        (escape(_("Last change")), _changed),
    )
    return SafeString(
        "".join(f"<tr>{_name(row)}{''.join(_cell(label, write(row)) for label, write in cells)}</tr>\n" for row in rows)
    )  # every value was escaped where it was written


def _cell(label: str, content: str) -> str:
    void = "" if content else ' class="is-void"'
    return f'<td data-label="{label}"{void}>{content or NOTHING}</td>'


def _name(row: dict[str, Any]) -> str:
    deleted = f" {_chip('danger', 'x', _('Deleted in MLflow'))}" if row["deleted_at"] else ""
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
    chip = _chip(row["candidate_tone"], row["candidate_icon"], row["candidate_label"])
    return f'<div class="chips">{link}{chip}</div>'


def _requests(row: dict[str, Any]) -> str:
    number = row["open_requests"]
    return f'<span class="nowrap">{_icon("inbox")} {number} {escape(_("open"))}</span>' if number else ""


def _drift(row: dict[str, Any]) -> str:
    return _chip("warning", "alert", f"{row['open_drift']} {_('to decide')}") if row["open_drift"] else ""


def _changed(row: dict[str, Any]) -> str:
    return f'<time datetime="{row["updated_at"].isoformat()}">{escape(row["updated_ago"])}</time>'


def _chip(tone: str, icon: str, label: Any) -> str:
    return f'<span class="chip tone-{tone}">{_icon(icon)}{escape(label)}</span>'


@lru_cache(maxsize=32)
def _icon(name: str) -> str:
    address = f"{escape(static('img/icons.svg'))}#{name}"
    return f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><use href="{address}"></use></svg>'
