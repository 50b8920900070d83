"""What other forms part and a card does not: the bounds of an interval, uses one by one, roles of data sets. Pure."""

from typing import Any

BETWEEN = " to "
TESTS = ("test", "eval", "valid", "holdout")


def interval(raw: Any, lower: str, upper: str) -> dict[str, Any]:
    """Return the part of a metric that an interval gives; without both bounds nothing. Raises TypeError otherwise."""
    if raw is None:
        return {}
    if not isinstance(raw, dict) or lower not in raw or upper not in raw:
        raise TypeError
    return {"ci": f"{raw[lower]}{BETWEEN}{raw[upper]}"}


def bounds(row: dict[str, Any], name: str, lower: str, upper: str) -> dict[str, Any]:
    """Return the interval of a metric under `name`; nothing where the card has none of two bounds."""
    low, between, high = row.get("ci", "").partition(BETWEEN)
    return {name: {lower: low.strip(), upper: high.strip()}} if between else {}


def uses(said: list[str]) -> str:
    """Return uses as one text: several are a list."""
    return said[0] if len(said) == 1 else "\n".join(f"- {use}" for use in said)


def each_use(said: str) -> list[str]:
    """Return a text as uses: each item of a list, or the whole."""
    lines = said.split("\n")
    many = len(lines) > 1 and all(item.startswith("- ") and item[2:].strip() for item in lines)
    return [item[2:] for item in lines] if many else [said]


def role_of(name: str) -> str:
    """Return the field of a data set of which nobody says what it was for: by its name, else training."""
    return "test_data" if any(word in name.lower() for word in TESTS) else "training_data"
