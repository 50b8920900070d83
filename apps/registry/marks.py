"""Small pieces of HTML that rows repeat, as the components of the same names write them: icon, chip, badge, time.

Written here because a page has hundreds of them: as templates they took most of its time.
"""

from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any

from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import get_script_prefix
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

MINUTE, HOUR, DAY = 60, 3600, 86400
MONTH, YEAR = 30 * DAY, 365 * DAY


def icon(name: str) -> SafeString:
    """Return a symbol of static/img/icons.svg, as decoration: what it means must be said beside it."""
    return _icon(name, get_script_prefix())


@lru_cache(maxsize=256)
def _icon(name: str, _installed_at: str) -> SafeString:
    address = escape(f"{static('img/icons.svg')}#{name}")
    return SafeString(f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><use href="{address}"></use></svg>')


def chip(tone: str, icon_name: str, label: Any) -> SafeString:
    """Return a word on a tone (neutral, info, success, warning, danger) with its icon."""
    return SafeString(f'<span class="chip tone-{tone}">{icon(icon_name)}{escape(str(label))}</span>')


def badge(kind: str, value: Any) -> SafeString:
    """Return the chip of a stage, a state or another value of the library `ui`, rendered once per language."""
    return _badge(get_language(), get_script_prefix(), kind, str(value))


@lru_cache(maxsize=256)
def _badge(_language: str | None, _installed_at: str, kind: str, value: str) -> SafeString:
    return render_to_string("components/badge.html", {"kind": kind, "value": value})


def time(at: datetime) -> SafeString:
    """Return how long ago `at` was; the moment itself, in UTC, stands in its title."""
    title = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return SafeString(f'<time datetime="{at.isoformat()}" title="{title}">{escape(ago(at))}</time>')


def ago(at: datetime) -> str:
    """Say how long ago `at` was, in its largest unit: "just now", "5 min ago", "41 days ago"; ahead: "in 9 days"."""
    seconds = int((timezone.now() - at).total_seconds())
    if seconds <= -MINUTE:
        return _ahead(-seconds)
    if seconds < MINUTE:
        return gettext("just now")
    if seconds < HOUR:
        return ngettext("%d min ago", "%d min ago", seconds // MINUTE) % (seconds // MINUTE)
    if seconds < DAY:
        return ngettext("%d hour ago", "%d hours ago", seconds // HOUR) % (seconds // HOUR)
    if seconds < 2 * MONTH:
        return ngettext("%d day ago", "%d days ago", seconds // DAY) % (seconds // DAY)
    if seconds < 2 * YEAR:
        return ngettext("%d month ago", "%d months ago", seconds // MONTH) % (seconds // MONTH)
    return ngettext("%d year ago", "%d years ago", seconds // YEAR) % (seconds // YEAR)


def _ahead(seconds: int) -> str:
    if seconds < HOUR:
        return ngettext("in %d min", "in %d min", seconds // MINUTE) % (seconds // MINUTE)
    if seconds < DAY:
        return ngettext("in %d hour", "in %d hours", seconds // HOUR) % (seconds // HOUR)
    return ngettext("in %d day", "in %d days", seconds // DAY) % (seconds // DAY)


def actor_words(actor: str) -> str:
    """Name an actor of the trail as people say it: whoever works by itself is Assent; people keep their names."""
    if actor == "system:operator":
        return gettext("the operator")
    return "Assent" if actor.startswith("system:") else actor
