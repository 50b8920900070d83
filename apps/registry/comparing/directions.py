"""Which way a metric is better: what an admin said, else the words of its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

HIGHER = frozenset({"accuracy", "f1", "precision", "recall", "auc", "r2", "score"})
LOWER = frozenset({"loss", "rmse", "mae", "mse", "error", "mape", "latency", "size", "brier"})


@dataclass(frozen=True)
class Directions:
    """What was said about metrics: exact name → "higher", "lower", or None for "not known whatever its words"."""

    stated: Mapping[str, str | None] = field(default_factory=dict)

    def of(self, metric: str) -> str | None:
        """Return "higher", "lower", or None when it is not known."""
        return self.stated[metric] if metric in self.stated else by_words(metric)


def by_words(metric: str) -> str | None:
    """Say which way a metric is better, by the words in its name: "val_accuracy" → "higher"; None when not known."""
    words = set("".join(c if c.isalnum() else " " for c in metric.lower()).split())
    words |= {word.rstrip("0123456789") for word in words if word not in HIGHER}
    lower, higher = words & LOWER, words & HIGHER
    if lower:  # "f1_error", "log_loss": the word for the fault decides
        return "lower"
    return "higher" if higher else None
