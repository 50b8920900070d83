"""An event's data as rows that people can read."""

import json
from typing import Any

from django import template

register = template.Library()

SIDES = ("before", "after")


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
def role_words(role: str) -> str:
    """Return role names as words: "ml_engineer, reviewer" → "ml engineer, reviewer"."""
    return role.replace("_", " ")


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
    if value is None or isinstance(value, str):
        return value or "–"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
