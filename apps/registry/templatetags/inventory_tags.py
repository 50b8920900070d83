"""Template library `inventory_tags`: the heads and the rows of the list of models.

Written here and not in a template: fifty rows of nine cells took most of the page's time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
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
    if not column.href:  # what stands beside the rows has no order
        return f'<th scope="col">{escape(str(column.label))}</th>'
    link = f'<a href="{escape(column.href)}">{escape(str(column.label))}{arrow}</a>'
    return f'<th scope="col" aria-sort="{column.sorted}">{link}</th>'


@register.simple_tag
def model_rows(rows: Iterable[dict[str, Any]]) -> SafeString:
    """Write the rows (from inventory.pages.lines), each cell with its column's name for narrow screens."""
    words = _words(get_language())
    return SafeString("".join(_row(row, words) for row in rows))  # every value is escaped where it is written


@dataclass(frozen=True)
class Words:
    """What the rows say, in one language: looking each word up for each row took longer than writing the row."""

    starts: tuple[str, ...]  # of each cell but the first, without the end of its tag
    deleted: str
    none: str
    open: str
    to_decide: str


@lru_cache(maxsize=32)
def _words(_language: str | None) -> Words:
    names = (_("Owner"), _("Risk"), _("Production"), _("Card"), _("Candidate"), _("Framework"), _("Requests"),
             _("Drift"), _("Last change"))  # fmt: skip
    return Words(
        starts=tuple(f'<td data-label="{escape(name)}"' for name in names),
        deleted=f" {chip('danger', 'x', _('Deleted in MLflow'))}",
        none=f'<span class="quiet">{escape(_("none"))}</span>',
        open=escape(_("open")),
        to_decide=_("to decide"),
    )


def _row(row: dict[str, Any], words: Words) -> str:
    contents = (
        escape(row["owner"]), escape(row["risk"]), _production(row, words), row["card"], _candidate(row),
        escape(row["framework"]), _requests(row, words), _drift(row, words), _changed(row),
    )  # fmt: skip
    cells = [
        f"{start}>{content}</td>" if content else f'{start} class="is-void">{NOTHING}</td>'
        for start, content in zip(words.starts, contents, strict=True)
    ]
    return f"<tr>{_name(row, words)}{''.join(cells)}</tr>\n"


def _name(row: dict[str, Any], words: Words) -> str:
    deleted = words.deleted if row["deleted_at"] else ""
    described = f'<span class="sub clamp">{escape(row["description"])}</span>' if row["description"] else ""
    link = f'<a class="strong-link" href="{escape(row["href"])}">{escape(row["reference"])}</a>'
    return f'<th scope="row">{link}{deleted}{described}</th>'


def _production(row: dict[str, Any], words: Words) -> str:
    if not row["production_number"]:
        return words.none
    age = f' <span class="quiet">· {escape(row["production_age"])}</span>' if row["production_age"] else ""
    aliases = "".join(f' <span class="alias">@{escape(alias)}</span>' for alias in row["production_aliases"])
    link = f'<a href="{escape(row["production_href"])}">v{row["production_number"]}</a>'
    return f"<div>{link}{age}{aliases}</div>"


def _candidate(row: dict[str, Any]) -> str:
    if not row["candidate_number"]:
        return ""
    link = f'<a href="{escape(row["candidate_href"])}">v{row["candidate_number"]}</a>'
    return f'<div class="chips">{link}{row["candidate_chip"]}</div>'


def _requests(row: dict[str, Any], words: Words) -> str:
    number = row["open_requests"]
    return f'<span class="nowrap">{icon("inbox")} {number} {words.open}</span>' if number else ""


def _drift(row: dict[str, Any], words: Words) -> str:
    return chip("warning", "alert", f"{row['open_drift']} {words.to_decide}") if row["open_drift"] else ""


def _changed(row: dict[str, Any]) -> str:
    return f'<time datetime="{row["updated_at"].isoformat()}">{escape(row["updated_ago"])}</time>'
