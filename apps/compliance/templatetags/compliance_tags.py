"""What pages show of compliance: the rows of the matrix, and what a model's and a version's page say of holds."""

from collections import Counter
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.compliance.controls.outcomes import Cell, Outcome
from apps.compliance.holds import queries as holds
from apps.compliance.matrix.queries import Counts, Row
from apps.registry.addresses import model_address
from apps.registry.marks import icon
from apps.registry.models import ModelVersion, RegisteredModel

register = template.Library()
MOST_REASONS = 3
MARKS = {
    Outcome.MET: ("success", "check", _lazy("Met")),
    Outcome.NOT_MET: ("danger", "x", _lazy("Not met")),
    Outcome.UNKNOWN: ("warning", "question", _lazy("Unknown")),
    Outcome.NOT_APPLICABLE: ("neutral", "minus", _lazy("Does not apply")),
}


@register.simple_tag
def matrix_rows(rows: list[Row]) -> SafeString:
    """Write the rows of the matrix: hundreds of cells, which templates would take long for."""
    return format_html_join("\n", "{}", ((_row(row),) for row in rows))


def _row(row: Row) -> SafeString:
    model = row.model
    under = ", ".join(f"v{placed.version.number}" for placed in row.facts.placed)
    under = _("%(versions)s in Production") % {"versions": under} if under else _("nothing in Production")
    if row.facts.reference != model.reference:
        under = _("now called %(name)s") % {"name": model.reference} + f" · {under}"
    return format_html(
        '<tr><th scope="row"><a class="strong-link nowrap" href="{}">{}</a>{}<span class="sub">{}{}</span></th>{}'
        '<td data-label="{}">{}</td></tr>',
        model_address(model.reference),
        row.facts.reference,
        format_html(' <span title="{}">{}</span>', _("On legal hold"), icon("lock")) if row.facts.holds else "",
        under,
        f" · {row.facts.risk}" if row.facts.risk else "",
        format_html_join("", "{}", ((_cell(cell),) for cell in row.cells)),
        _("What to look at"),
        _reasons(row),
    )


def _cell(cell: Cell) -> SafeString:
    return format_html('<td data-label="{}">{}</td>', cell.column.control.label, _mark(cell.finding.outcome))


def _mark(outcome: Outcome, number: int | None = None) -> SafeString:
    """Return the sign of an outcome, its word for those who hear the page, and how many models there are of it."""
    tone, name, label = MARKS[outcome]
    shown = "" if number is None else number
    return format_html(
        '<span class="chip tone-{}" title="{}">{}{}<span class="visually-hidden"> {}</span></span>',
        tone, label, icon(name), shown, label,
    )  # fmt: skip


@register.simple_tag
def matrix_counts(counts: Counts) -> SafeString:
    """Write the cells that say how many models stand how to each control; outcomes that no model has are left out."""
    cells = ((column.control.label, _numbers(number)) for column, number in counts.of or [])
    return format_html_join("", '<td data-label="{}"><span>{}</span></td>', cells)


def _numbers(number: Counter[Outcome]) -> SafeString:
    return format_html_join(" ", "{}", ((_mark(outcome, number[outcome]),) for outcome in MARKS if number[outcome]))


def _reasons(row: Row) -> SafeString:
    """List what is not met, then what is not known, each sentence with the page that mends or shows it."""
    found = [cell for cell in row.cells if cell.finding.outcome == Outcome.NOT_MET]
    found += [cell for cell in row.cells if cell.finding.outcome == Outcome.UNKNOWN]
    if not found:
        return format_html('<span class="quiet">{}</span>', _("nothing"))
    shown = format_html_join("", "<li>{}</li>", ((_reason(cell),) for cell in found[:MOST_REASONS]))
    rest = len(found) - MOST_REASONS
    more = format_html("<li>{}</li>", _("and %(n)s more") % {"n": rest}) if rest > 0 else ""
    return format_html('<ul class="links">{}{}</ul>', shown, more)


def _reason(cell: Cell) -> SafeString:
    label, finding = cell.column.control.label, cell.finding
    if not finding.url:
        return format_html("<span><strong>{}</strong> {}</span>", label, finding.reason)
    return format_html('<span><a href="{}">{}</a> {}</span>', finding.url, label, finding.reason)


@register.inclusion_tag("compliance/_holds_on.html")
def model_holds(model: RegisteredModel) -> dict[str, Any]:
    """Say what of a model is on legal hold; nothing where nothing is."""
    return {"holds": holds.standing_on(model)}


@register.inclusion_tag("compliance/_holds_on.html")
def version_holds(version: ModelVersion) -> dict[str, Any]:
    """Say that a version, or its whole model, is on legal hold."""
    return {"holds": [hold for hold in holds.standing_on(version.model) if hold.version_id in (None, version.pk)]}
