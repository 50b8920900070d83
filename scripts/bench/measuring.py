"""Times, and how they are told: both sides take turns, warm, and the table says medians, p95 and what was promised."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TURNS, WARM_UP = 120, 10  # so many that a pause which comes seldom counts as often as it comes


@dataclass(frozen=True)
class Times:
    """What one side took, in milliseconds."""

    median: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Times":
        """Sum up what single requests took, given in seconds."""
        last_twentieth = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
        return cls(statistics.median(seconds) * 1000, last_twentieth * 1000)

    def __str__(self) -> str:
        return f"{self.median:.1f} / {self.p95:.1f}"


def seconds(run: Callable[[], object]) -> float:
    """Return how long it takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def in_turns(*sides: Callable[[], object], turns: int = TURNS, times: int = 1) -> list[Times]:
    """Run all sides `times` times per turn, one after the other, and return the times of each.

    Who begins changes with each turn: what a server does after every so many calls would else always meet the same one.
    """
    for side in sides:
        for _ in range(WARM_UP):
            side()
    columns: list[list[float]] = [[] for _side in sides]
    order = list(zip(sides, columns, strict=True))
    for turn in range(turns):
        for side, column in order if turn % 2 == 0 else reversed(order):
            column.extend(seconds(side) for _ in range(times))
    return [Times.of(column) for column in columns]


def say(*cells: str) -> None:
    """Print a row of a Markdown table, at once."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def head(*cells: str) -> None:
    """Print the head of a Markdown table."""
    sys.stdout.write("\n")
    say(*cells)
    say(*("---" for _ in cells))


def verdict(holds: bool, target: str) -> str:
    """Say what was promised and whether it held."""
    return f"{target}: {'met' if holds else 'MISSED'}"
