"""Template library `chart_tags`: the marks and the rows of a chart.

Written here and not in a template: hundreds of them, each a handful of numbers, took most of the page's time.
"""

from collections.abc import Iterable

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.registry.models import RegisteredModel
from apps.registry.pages.history import Chart, Point

register = template.Library()
MANY = 80  # points that stand so close that smaller ones tell more
EDGE = 110  # words near an end of the chart are set inwards


@register.simple_tag
def chart_marks(chart: Chart) -> SafeString:
    """Return the marks of all points: a diamond with a word in Production, a square at the edge, a dot otherwise."""
    production, radius = escape(_("Production")), 2 if len(chart.points) > MANY else 3
    return _joined(_mark(point, production, radius, chart) for point in chart.drawn)


@register.simple_tag
def chart_rows(chart: Chart, model: RegisteredModel) -> SafeString:
    """Return the rows of the table behind the chart: version, value, stage."""
    base = escape(reverse("registry:model-detail", args=[model.reference]))
    production, absent = escape(_("Production")), f'<span class="quiet">{escape(_("not logged"))}</span>'
    return _joined(
        f'<tr><th scope="row"><a href="{base}v/{point.number}/">v{point.number}</a></th>'
        f'<td class="number">{absent if point.value is None else _text(point)}</td>'
        f"<td>{production if point.production else ''}</td></tr>"
        for point in chart.newest_first
    )


def _mark(point: Point, production: str, radius: int, chart: Chart) -> str:
    x, y, said = point.x, point.y or 0, f"v{point.number}: {_text(point)}"
    if point.production:
        anchor = "end" if x > chart.width - EDGE else "start" if x < EDGE else "middle"
        return (
            f'<polygon class="chart-production" points="{point.diamond}"><title>{said}, {production}</title></polygon>'
            f'<text class="chart-word" x="{x:g}" y="{y - 11:g}" text-anchor="{anchor}">'
            f"v{point.number} {production}</text>"
        )
    if point.beyond:
        return (
            f'<rect class="chart-beyond" x="{x - 3:g}" y="{y - 3:g}" width="6" height="6"><title>{said}</title></rect>'
        )
    return f'<circle class="chart-point" cx="{x:g}" cy="{y:g}" r="{radius}"><title>{said}</title></circle>'


def _text(point: Point) -> str:
    value = point.value
    return f"{value:.6g}" if isinstance(value, float) else escape(value)


def _joined(parts: Iterable[str]) -> SafeString:
    return SafeString("".join(parts))  # numbers, and texts that were escaped above
