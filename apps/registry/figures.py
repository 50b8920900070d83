"""Numbers as people compare them: on pages, by templates (library `ui`) and by what writes rows without one."""

from typing import Any


def figure(value: Any) -> str:
    """Write a number as people compare it: six significant digits, no padding; other values as they are."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def signed(value: float | None) -> str:
    """Write a difference with its sign, "+0.0125" or "−0.3"; "0" for none, an empty text for unknown."""
    if value is None:
        return ""
    return f"{value:+.4g}".replace("-", "−") if value else "0"


def percent(value: float) -> str:
    """Write a percentage with its sign: "+12.3 %", "−0.04 %", "+48,000 %"."""
    return f"{value:+,.0f} %".replace("-", "−") if abs(value) >= 1000 else f"{value:+.3g} %".replace("-", "−")


def metric_text(value: Any) -> str:
    """Return a metric as text: "0.91", "NaN", "Infinity", "-Infinity"."""
    try:
        number = float(value) + 0.0  # no negative zero: PostgreSQL does not keep its sign
    except (TypeError, ValueError):
        return str(value)
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(number), repr(number))
