"""Template library `request_tags`: the words of a request, and the rows of its page.

A page has hundreds of rows; they are written here, for a template took most of its time.
"""

from collections.abc import Iterable
from html import escape as escape_text
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.accounts.signing import method_label
from apps.approvals.models import Review
from apps.approvals.queue import words
from apps.approvals.request_page import Compared, decision_sentence
from apps.approvals.timeline import Moment
from apps.approvals.titles import start_of, target_of, title_of
from apps.masking import masked
from apps.registry.comparing import MetricRow, Row
from apps.registry.figures import figure, percent, signed
from apps.registry.marks import badge, icon, time
from apps.registry.templatetags.compare_tags import change_mark, verdict_mark

register = template.Library()
register.filter("request_title", title_of)
register.filter("request_target", target_of)
register.filter("request_start", start_of)
register.filter("waits_for", words.waits_for)
register.simple_tag(decision_sentence)
register.simple_tag(badge, name="mark_of")
register.simple_tag(time, name="time_mark")
NOTHING = '<span class="quiet">–</span>'
VERDICTS = {"better": ("good", "check"), "worse": ("bad", "alert"), "same": ("quiet", "equal")}


def escape(value: Any) -> str:
    """Return a value as HTML; `html.escape` takes half the time of Django's, and rows are many."""
    return escape_text(str(value))


@register.simple_tag
def pair_rows(compared: Compared) -> SafeString:
    """Write the rows of the metrics of a version and its base."""
    if compared.base is None:
        return SafeString("")
    base, candidate = f"v{compared.base.number}", f"v{compared.candidate.number}"
    labels = (base, candidate, escape(_("Difference")), escape(_("Meaning")))
    return SafeString("".join(_metric(row, labels) for row in compared.metrics))  # its parts are escaped


def _metric(row: MetricRow, labels: tuple[str, ...]) -> str:
    base, candidate, difference, meaning = labels
    share = f' <span class="quiet">({percent(row.percent)})</span>' if row.percent else ""
    changed = NOTHING if row.delta is None else f"<span>{signed(row.delta)}{share}</span>"
    return (
        f'<tr><th scope="row">{escape(row.name)}</th><td class="number" data-label="{base}">{_value(row.base)}</td>'
        f'<td class="number" data-label="{candidate}">{_value(row.candidate)}</td>'
        f'<td class="number" data-label="{difference}">{changed}</td>'
        f'<td class="short" data-label="{meaning}">{verdict_mark(row.cells[0])}</td></tr>\n'
    )


def _value(value: Any) -> str:
    return NOTHING if value is None else escape(figure(value))


@register.simple_tag
def difference_rows(rows: Iterable[Row]) -> SafeString:
    """Write what differs between two versions: how, its name, before, after."""
    labels = escape(_("Before")), escape(_("After"))
    return SafeString("".join(_difference(row, *labels) for row in rows if row.change != "same"))  # parts are escaped


def _difference(row: Row, before: str, after: str) -> str:
    mark = change_mark(row.change, row.effects[0] if row.effects else "")
    return (
        f'<tr><td>{mark}</td><th scope="row">{escape(masked(row.name))}</th>'
        f'<td data-label="{before}">{_code(row.base)}</td><td data-label="{after}">{_code(row.candidate)}</td></tr>\n'
    )


@register.simple_tag
def moments(rows: Iterable[Moment]) -> SafeString:
    """Write the lines of a request's timeline, as components/timeline_item.html does."""
    return SafeString("".join(_moment(row) for row in rows))  # its parts are escaped


@register.simple_tag
def headline_mark(headline: words.Headline | None) -> SafeString:
    """Write a request's main metric in a row: "auc 0.9 → 0.95 +5.6 % better"."""
    if headline is None:
        return SafeString(f'<span class="quiet">{escape(_("no metric"))}</span>')
    change = f' <span class="quiet">({escape(headline.change)})</span>' if headline.change else ""
    return SafeString(
        f'<span class="headline"><span class="sub">{escape(headline.metric)}</span>'
        f"{escape(headline.values)}{change}{_meaning(headline.verdict)}</span>"
    )


@register.simple_tag
def signature_rows(reviews: Iterable[Review]) -> SafeString:
    """Write standing votes as they were signed: printed name, meaning, time, what was said, the digest."""
    return SafeString("".join(_signature(review) for review in reviews))  # its parts are escaped


def _signature(review: Review) -> str:
    name, spoken = review.signed_name or str(review.reviewer), ""
    if review.reviewer_id != review.counts_for_id:
        spoken = " " + escape(_("for %(person)s") % {"person": review.counts_for})
    confirmed = f" · {escape(method_label(review.confirmed_with))}" if review.confirmed_with else ""
    statement = f'<p class="sub">{escape(review.statement)}</p>' if review.statement else ""
    digest, at = escape(review.evidence_digest), f"{review.created_at:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f'<li class="signature"><p><strong>{escape(name)}</strong>{spoken} {badge("verdict", review.verdict)}</p>'
        f'<p class="sub">{escape(review.get_meaning_display())} · {at}{confirmed}</p>'
        f'{statement}<p class="sub"><code class="digest" title="{digest}"><span class="on-screen">{digest[:12]}…</span>'
        f'<span class="on-paper">{digest}</span></code></p></li>\n'
    )


def _meaning(verdict: str) -> str:
    if verdict not in VERDICTS:
        return ""
    tone, symbol = VERDICTS[verdict]
    said = {"better": _("better"), "worse": _("worse"), "same": _("the same")}[verdict]
    return f' <span class="meaning word-{tone}">{icon(symbol)}{escape(said)}</span>'


def _code(value: Any) -> str:
    return NOTHING if value in (None, "") else f"<code>{escape(masked(value))}</code>"


def _moment(row: Moment) -> str:
    role = f' <span class="person-role">({escape(row.role)})</span>' if row.role else ""
    who = f"<strong>{escape(row.who)}</strong>{role} " if row.who else ""
    note = f'<span class="sub">{escape(row.note)}</span>' if row.note else ""
    body = f'<div class="timeline-body">{escape(row.body)}</div>' if row.body else ""
    return (
        f'<li class="timeline-item"><span class="timeline-mark tone-{row.tone}">{icon(row.icon)}</span>'
        f'<div class="timeline-line">{who}{escape(row.text)} {time(row.at)}{note}{body}</div></li>\n'
    )
