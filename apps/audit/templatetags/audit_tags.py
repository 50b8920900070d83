"""An event's data as rows that people can read."""

import json
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from apps.audit.actions import Action, Source
from apps.masking import masked

register = template.Library()
register.filter("masked", masked)  # events of before reasons were masked on the way in

SIDES = ("before", "after")
ROLE_LABELS = {  # the trail keeps names and knows no other app
    "viewer": _("Viewer"),
    "data_scientist": _("Data scientist"),
    "ml_engineer": _("ML engineer"),
    "admin": _("Admin"),
    "reviewer": _("Reviewer"),
    "emergency": _("Emergency"),
}


@register.filter
def diff_rows(event: Any) -> list[dict[str, Any]]:
    """Return what the event changed, one row per field: name, before, after, and the word added / removed / changed."""
    before, after = _flat(event.data.get("before")), _flat(event.data.get("after"))
    rows = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new or (name in before) != (name in after):
            kind = "changed" if name in before and name in after else "added" if name in after else "removed"
            rows.append({"name": name, "before": _text(old), "after": _text(new), "kind": kind})
    return rows


@register.filter
def other_data(event: Any) -> list[tuple[str, str]]:
    """Return what else the event carries, as (name, text)."""
    return [(name, _text(value)) for name, value in sorted(event.data.items()) if name not in SIDES]


@register.filter
def action_words(event: Any) -> str:
    """Return what happened in words. Django's own `get_action_display` builds its table of all words for each row."""
    return str(Action(event.action).label) if event.action in Action.values else event.action


@register.filter
def source_words(event: Any) -> str:
    """Return through which door it came, in words; likewise."""
    return str(Source(event.source).label) if event.source in Source.values else event.source


@register.filter
def role_words(role: str) -> str:
    """Return role names as people read them elsewhere: "ml_engineer, reviewer" → "ML engineer, Reviewer"."""
    return ", ".join(str(ROLE_LABELS.get(name, name.replace("_", " "))) for name in role.split(", "))


@register.filter
def target_url(event: Any) -> str:
    """Return the page of what the event is about, or an empty text where it has none.

    An event without a model names something that was not found, or was out of sight, when it was written: no link.
    """
    if event.model_id is None:
        return ""
    name, _v, number = event.target.rpartition(" v")
    request = event.target.removeprefix("request ")
    if event.target_type == "request" and _is_number(request):
        return _address("approvals:request-detail", int(request))
    if event.target_type == "version" and _is_number(number):
        return _address("registry:version-detail", name, int(number))
    if event.target_type == "drift":
        number = event.target.removeprefix("drift ")
        return _address("approvals:drift-detail", int(number)) if _is_number(number) else ""
    return _address("registry:model-detail", event.target) if event.target_type == "model" else ""


@register.filter
def about_text(event: Any) -> str:
    """Return what a request's event moves: "churn-classifier v3 → Production"; empty for other events."""
    version, alias = event.data.get("version"), event.data.get("alias")
    target = f"@{alias}" if alias else event.data.get("to_stage")
    return f"{version} → {target}" if event.target_type == "request" and version and target else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _address(route: str, *args: Any) -> str:
    try:
        return reverse(route, args=args)
    except NoReverseMatch:
        return ""


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested objects as dotted names; a plain value stands under “value”."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return {prefix.rstrip(".") or "value": value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{prefix}{key}.") if isinstance(item, dict) and item else {f"{prefix}{key}": item}
    return flat


def _text(value: Any) -> str:
    value = masked(value)  # events of before it was masked on the way in
    if value is None or isinstance(value, str):
        return value or "–"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
