"""The metrics of a card as bars from 0 to 1, with what they must reach: places of everything that is drawn. Pure.

Only shares are drawn: a bar of 0.9 beside one of 41,000 says nothing. All values stand in the table behind.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.registry.figures import figure

WIDTH, LEFT, RIGHT, TOP, ROW, BAR = 720, 220, 60, 8, 26, 14
MOST = 20  # bars
MAX_LABEL = 34  # characters
GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
SYSTEM = "system/"  # metrics of the machine, not of the model


@dataclass(frozen=True)
class Bar:
    """One metric. `value` is rounded, `threshold` as it is written; `limit` is the place of the threshold, or None."""

    label: str
    value: str
    threshold: str
    y: int
    width: float
    limit: float | None

    @property
    def end(self) -> float:
        """Where the bar ends, and its value is written."""
        return LEFT + self.width


@dataclass(frozen=True)
class Chart:
    """Everything that a template draws; numbers are in the units of the view box."""

    bars: list[Bar]
    left_out: int  # metrics that are no shares, or more than are drawn
    grid: list[tuple[float, str]]
    width: int = WIDTH
    left: int = LEFT
    bar: int = BAR

    @property
    def height(self) -> int:
        """Of the whole drawing."""
        return TOP + len(self.bars) * ROW + 24

    @property
    def bottom(self) -> int:
        """Where the grid ends."""
        return self.height - 20

    @property
    def has_limits(self) -> bool:
        """Whether a threshold is drawn."""
        return any(bar.limit is not None for bar in self.bars)


def chart(metrics: Iterable[dict[str, Any]]) -> Chart | None:
    """Draw metrics of a card, those with a threshold first; None where none of them is a share."""
    rows = [row for row in metrics if not str(row.get("name", "")).startswith(SYSTEM)]
    shares = [(row, share) for row in rows if (share := _share(row.get("value"))) is not None]
    shares.sort(key=lambda pair: "threshold" not in pair[0])
    if not shares:
        return None
    bars = [_bar(place, row, share) for place, (row, share) in enumerate(shares[:MOST])]
    return Chart(bars, len(rows) - len(bars), [(_place(value), f"{value:g}") for value in GRID])


def _bar(place: int, row: dict[str, Any], share: float) -> Bar:
    about = " · ".join(str(row[name]) for name in ("name", "dataset", "slice") if row.get(name))
    label = about if len(about) <= MAX_LABEL else f"{about[: MAX_LABEL - 1]}…"
    threshold = str(row.get("threshold", ""))
    limit = _share(threshold.lstrip("<>=≥≤ "))
    return Bar(label, figure(share), threshold, TOP + place * ROW, round(_place(share) - LEFT, 2),
               None if limit is None else _place(limit))  # fmt: skip


def _place(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 2)


def _share(text: Any) -> float | None:
    """Return a text as a number from 0 to 1, None for anything else."""
    try:
        number = float(str(text))
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number <= 1 else None
