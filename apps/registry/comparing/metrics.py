"""Metrics side by side, judged where the direction is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.registry.comparing.directions import Directions


@dataclass(frozen=True, slots=True)
class MetricCell:
    """A metric in one later version beside the base. `percent` is of the base, None when that is 0."""

    base: Any
    candidate: Any
    delta: float | None
    percent: float | None
    direction: str | None  # "higher" or "lower" is better; None: not known
    verdict: str  # "better", "worse", "same", "unknown"


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric in every version, None where one lacks it; `cells` has one for each version after the base."""

    name: str
    direction: str | None
    values: tuple[Any, ...]
    cells: tuple[MetricCell, ...]

    @property
    def base(self) -> Any:
        """The value in the base."""
        return self.values[0]

    @property
    def candidate(self) -> Any:
        """The value in the first version compared with it."""
        return self.values[1]

    @property
    def delta(self) -> float | None:
        """That version's difference to the base."""
        return self.cells[0].delta

    @property
    def percent(self) -> float | None:
        """The difference in percent of the base; None when that is 0."""
        return self.cells[0].percent

    @property
    def verdict(self) -> str:
        """What the difference means: "better", "worse", "same" or "unknown"."""
        return self.cells[0].verdict


def metric_rows(sides: Sequence[dict[str, Any]], directions: Directions) -> list[MetricRow]:
    """Judge every metric that a version has, by name."""
    return [
        _row(name, tuple(side.get(name) for side in sides), directions.of(name)) for name in sorted(set().union(*sides))
    ]


def _row(name: str, values: tuple[Any, ...], direction: str | None) -> MetricRow:
    return MetricRow(name, direction, values, tuple(_cell(values[0], value, direction) for value in values[1:]))


def _cell(base: Any, candidate: Any, direction: str | None) -> MetricCell:
    unknown = MetricCell(base, candidate, None, None, direction, "unknown")
    if not (_finite(base) and _finite(candidate)):
        return unknown
    try:
        delta = candidate - base
        percent = delta / abs(base) * 100 if base else None
    except OverflowError:  # integers beyond what a float holds
        return unknown
    if not math.isfinite(delta) or (percent is not None and not math.isfinite(percent)):
        return unknown
    if delta == 0:
        return MetricCell(base, candidate, 0.0, percent, direction, "same")
    better = (delta > 0) == (direction == "higher")
    verdict = "unknown" if direction is None else "better" if better else "worse"
    return MetricCell(base, candidate, delta, percent, direction, verdict)


def _finite(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
