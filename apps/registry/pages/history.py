"""A metric over the versions of a model, as a chart: places of its points, lines and ticks. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 22, 28
MAX_TICKS, MAX_LABELS = 5, 10
CROWDED = 50  # names of versions that stand closer run into each other


@dataclass(frozen=True)
class Point:
    """A version. `value` is what was logged, `y` None where that cannot be drawn: absent, or not a number.

    An infinite value stands at the edge, `beyond`.
    """

    number: int
    value: Any
    production: bool
    x: float
    y: float | None
    beyond: bool = False

    @property
    def diamond(self) -> str:
        """The corners of the mark of a version in Production."""
        x, y = self.x, self.y or 0
        return f"{x:g},{y - 7:g} {x + 7:g},{y:g} {x:g},{y + 7:g} {x - 7:g},{y:g}"


@dataclass(frozen=True)
class Tick:
    """A line of the grid, or a name below it, at `place`."""

    place: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Everything that a template draws; numbers are in the units of the view box."""

    points: list[Point]
    lines: list[str]  # "x,y x,y …": one per stretch without a gap
    ticks: list[Tick]
    labels: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM

    @property
    def drawn(self) -> list[Point]:
        """The points that have a place."""
        return [point for point in self.points if point.y is not None]

    @property
    def finite(self) -> list[Point]:
        """The points with a number."""
        return [point for point in self.points if point.y is not None and not point.beyond]

    @property
    def newest_first(self) -> list[Point]:
        """The points as a table lists them."""
        return self.points[::-1]

    @property
    def has_production(self) -> bool:
        """Whether a version in Production is drawn."""
        return any(point.production for point in self.drawn)

    @property
    def has_beyond(self) -> bool:
        """Whether an infinite value stands at the edge."""
        return any(point.beyond for point in self.points)

    @property
    def has_gaps(self) -> bool:
        """Whether a version has no number to draw."""
        return any(point.y is None for point in self.points)

    @property
    def lowest(self) -> Point:
        """The first of the lowest; there must be a finite point."""
        return min(self.finite, key=lambda point: point.value)

    @property
    def highest(self) -> Point:
        """The first of the highest; there must be a finite point."""
        return max(self.finite, key=lambda point: point.value)


def chart(rows: Iterable[tuple[int, Any, bool]]) -> Chart:
    """Draw (version number, value or None, is in Production), oldest first. Versions stand at equal distances."""
    rows = [(number, _plain(value), production) for number, value, production in rows]
    numbers = [float(value) for _number, value, _production in rows if _is_number(value)]
    low, high, ticks = _scale(numbers)
    step = (WIDTH - LEFT - RIGHT) / max(len(rows) - 1, 1)
    points = [
        Point(number, value, production, round(LEFT + place * step, 2), *_height(value, low, high))
        for place, (number, value, production) in enumerate(rows)
    ]
    return Chart(
        points=points,
        lines=_lines(points),
        ticks=[Tick(_place(value, low, high), text) for value, text in ticks],
        labels=_labels(points),
    )


def _plain(value: Any) -> Any:
    """Return a value as the mirror keeps it: one database reads "NaN" and "Infinity" back as numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _height(value: Any, low: float, high: float) -> tuple[float | None, bool]:
    """Return the place of a value, and whether it is an infinite one at the edge."""
    if value in ("Infinity", "-Infinity"):
        return (TOP if value == "Infinity" else HEIGHT - BOTTOM), True
    return (_place(float(value), low, high), False) if _is_number(value) else (None, False)


def _place(value: float, low: float, high: float) -> float:
    share = 0.5 if high <= low else (value / 2 - low / 2) / (high / 2 - low / 2)  # halves: no overflow
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 2)


def _scale(numbers: list[float]) -> tuple[float, float, list[tuple[float, str]]]:
    """Return the ends of the axis and its ticks, on round numbers where the range allows it."""
    if not numbers:
        return 0.0, 1.0, []
    low, high = min(numbers), max(numbers)
    span = high - low
    if not 1e-300 <= span <= 1e300 or span <= abs(high) * 1e-12:
        return low, high, [(value, f"{value:.4g}") for value in dict.fromkeys((low, high))]
    rough = span / (MAX_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    digits = max(0, -math.floor(math.log10(step)) + (1 if step / power == 2.5 else 0))
    ticks = [(index * step, _tick_text(index * step, digits)) for index in range(first, last + 1)]
    return first * step, last * step, ticks


def _tick_text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if digits < 6 and abs(value) < 1e6 else f"{value:.3g}"


def _lines(points: list[Point]) -> list[str]:
    """Join neighbours that have numbers; what lacks one leaves a gap."""
    stretches: list[list[str]] = [[]]
    for point in points:
        if point.y is None or point.beyond:
            stretches.append([])
        else:
            stretches[-1].append(f"{point.x:g},{point.y:g}")
    return [" ".join(stretch) for stretch in stretches if len(stretch) > 1]


def _labels(points: list[Point]) -> list[Tick]:
    """Name the first, the last, and some versions between them."""
    every = max(1, math.ceil((len(points) - 1) / (MAX_LABELS - 1)))
    chosen = points[:-1:every]
    if len(chosen) > 1 and points[-1].x - chosen[-1].x < CROWDED:
        chosen = chosen[:-1]
    return [Tick(point.x, f"v{point.number}") for point in [*chosen, *points[-1:]]]
