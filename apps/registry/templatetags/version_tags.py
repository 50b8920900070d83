"""Template library `version_tags`: the rows of a model's versions, and the lines of what happened to it.

Written here and not in a template: twenty-five rows and twenty lines took most of the page's time.
"""

from collections.abc import Iterable
from html import escape
from typing import Any
from urllib.parse import quote_plus

from django import template
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from apps.audit.actions import Outcome
from apps.audit.templatetags.audit_tags import target_url
from apps.masking import masked
from apps.registry.addresses import version_address
from apps.registry.figures import figure
from apps.registry.marks import actor_words, badge, chip, icon, time
from apps.registry.models import DetailsState, ModelAlias, ModelVersion, RegisteredModel
from apps.registry.pages import provenance
from apps.registry.templatetags.registry_tags import (
    action_label,
    author,
    changed_names,
    compare_url,
    event_icon,
    stage_move,
)

register = template.Library()
NOTHING = '<span class="quiet">–</span>'
NAME, DESCRIPTION, TITLE = 60, 160, 500  # characters
TONES = {Outcome.DONE: "neutral", Outcome.REFUSED: "danger"}


class Table:
    """What the rows of one table share: words and addresses, looked up once."""

    def __init__(
        self, model: RegisteredModel, metrics: list[str], production: ModelVersion | None, aliases: list[ModelAlias]
    ) -> None:
        self.model, self.metrics, self.production = model, metrics, production
        self.aliases: dict[int, list[str]] = {}
        for alias in aliases:
            self.aliases.setdefault(alias.version_id, []).append(alias.alias)
        self.names = [escape(_shortened(metric, NAME)) for metric in metrics]
        self.stage, self.registered, self.compare = escape(_("Stage")), escape(_("Registered")), escape(_("Compare"))
        self.compare_href = f"{compare_url(production, production).rpartition('=')[0]}=" if production else ""

    def row(self, version: ModelVersion) -> str:
        """Write one version."""
        cells = "".join(_metric(name, version, metric) for name, metric in zip(self.names, self.metrics, strict=True))
        return (
            f'<tr><th scope="row">{self._head(version)}</th>'
            f'<td data-label="{self.stage}">{badge("stage", version.stage)}</td>{cells}'
            f'<td class="nowrap" data-label="{self.registered}"><span>{time(version.created_at)}{_by(author(version))}'
            f'</span></td><td class="number">{self._comparison(version)}</td></tr>\n'
        )

    def _head(self, version: ModelVersion) -> str:
        href = escape(version_address(self.model.reference, version.number))
        parts = [f'<a class="strong-link" href="{href}">v{version.number}</a>']
        if own := provenance.semantic_version(version):
            parts.append(f'<span class="quiet">{escape(own)}</span>')
        parts += [f'<span class="alias">@{escape(alias)}</span>' for alias in self.aliases.get(version.pk, ())]
        if version.deleted_at:
            parts.append(chip("danger", "x", _("Deleted in MLflow")))
        elif version.details_state != DetailsState.LOADED:
            parts.append(badge("details", version.details_state))
        if text := masked(version.description):
            title, shown = escape(_shortened(text, TITLE)), escape(_shortened(text, DESCRIPTION))
            parts.append(f'<span class="sub clamp" title="{title}">{shown}</span>')
        return " ".join(parts)

    def _comparison(self, version: ModelVersion) -> str:
        if self.production is None or self.production.pk == version.pk:
            return ""
        numbers = {"new": version.number, "old": self.production.number}
        said = escape(_("v%(new)s with v%(old)s in Production") % numbers)
        href = escape(f"{self.compare_href}{quote_plus(f'{self.model.reference}@{version.number}')}")
        return f'<a href="{href}">{self.compare}<span class="visually-hidden"> {said}</span></a>'


@register.simple_tag
def version_rows(
    rows: Iterable[ModelVersion],
    model: RegisteredModel,
    metrics: list[str],
    production: ModelVersion | None,
    aliases: list[ModelAlias],
) -> SafeString:
    """Write the rows of the table of versions; `metrics` name its columns, `aliases` are the model's."""
    table = Table(model, metrics, production, aliases)
    return SafeString("".join(table.row(version) for version in rows))  # every value is escaped where it is written


@register.simple_tag
def timeline(events: Iterable[Any]) -> SafeString:
    """Write events of the trail as the lines of a timeline."""
    return SafeString("".join(_event(event) for event in events))  # every value is escaped where it is written


def _event(event: Any) -> str:
    tone, done = TONES.get(event.outcome, "warning"), event.outcome == Outcome.DONE
    outcome = "" if done else f" {badge('outcome', event.outcome)}"
    said = f"{escape(stage_move(event))}{escape(changed_names(event))}"
    reason = f'<div class="timeline-body clamp clamp-2">{escape(event.reason)}</div>' if event.reason else ""
    by = escape(_("by %(who)s") % {"who": actor_words(event.actor)})
    return (
        f'<li class="timeline-item"><span class="timeline-mark tone-{tone}">{icon(event_icon(event))}</span>'
        f'<div class="timeline-line"><strong>{escape(action_label(event))}</strong>{outcome} {_target(event)} {said} '
        f'<span class="sub">{by}, {time(event.at)}</span>{reason}</div></li>\n'
    )


def _target(event: Any) -> str:
    if event.target_type == "model":
        return ""
    href, name = target_url(event), escape(event.target)
    return f'<a href="{escape(href)}">{name}</a>' if href else name


def _metric(name: str, version: ModelVersion, metric: str) -> str:
    value = version.metrics.get(metric)
    return f'<td class="number" data-label="{name}">{NOTHING if value is None else escape(figure(value))}</td>'


def _by(who: str) -> str:
    return f'<span class="sub">{escape(_("by %(who)s") % {"who": who})}</span>' if who else ""


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else Truncator(text).chars(most)
