"""Two versions side by side: what differs, and which is better where that can be said."""

import math
from dataclasses import dataclass
from typing import Any

from apps.registry import requirements
from apps.registry.models import ModelVersion

HIGHER = frozenset({"accuracy", "f1", "precision", "recall", "auc", "r2", "score"})
LOWER = frozenset({"loss", "rmse", "mae", "mse", "error", "mape", "latency", "size", "brier"})


@dataclass(frozen=True)
class MetricRow:
    """A metric in both; None where a version lacks it. `percent` is of the base, None when that is 0."""

    name: str
    base: Any
    candidate: Any
    delta: float | None
    percent: float | None
    direction: str | None  # "higher" or "lower" is better; None: not known
    verdict: str  # "better", "worse", "same", "unknown"


@dataclass(frozen=True)
class Row:
    """Something named in both. `change` is "same", "changed", "added" (only the candidate has it) or "removed"."""

    name: str
    base: Any
    candidate: Any

    @property
    def change(self) -> str:
        """How the candidate differs from the base."""
        if self.base == self.candidate:
            return "same"
        return "added" if self.base is None else "removed" if self.candidate is None else "changed"


@dataclass(frozen=True)
class Comparison:
    """The whole comparison. Signature rows are columns by name, with texts such as "double" or "long, optional"."""

    base: ModelVersion
    candidate: ModelVersion
    metrics: list[MetricRow]
    params: list[Row]
    inputs: list[Row]
    outputs: list[Row]
    signature_params: list[Row]
    requirements: list[Row]
    datasets: list[Row]
    summary: dict[str, int]  # better, worse, same, unknown metrics; changed params, signature, requirements, datasets

    @property
    def signature(self) -> list[Row]:
        """Inputs, outputs and params in one list."""
        return [*self.inputs, *self.outputs, *self.signature_params]


def compare(base: ModelVersion, candidate: ModelVersion) -> Comparison:
    """Compare two versions by what the mirror holds. Pure: reads nothing."""
    metrics = [_metric(name, base.metrics.get(name), candidate.metrics.get(name)) for name in _names(base, candidate)]
    params = rows(base.params, candidate.params)
    inputs, outputs, extra = (
        rows(_columns(base, part), _columns(candidate, part)) for part in ("inputs", "outputs", "params")
    )
    needed = rows(_requirements(base), _requirements(candidate))
    datasets = rows(_datasets(base), _datasets(candidate))
    summary = {word: sum(row.verdict == word for row in metrics) for word in ("better", "worse", "same", "unknown")}
    summary |= {
        "params": _changed(params),
        "signature": _changed([*inputs, *outputs, *extra]),
        "requirements": _changed(needed),
        "datasets": _changed(datasets),
    }
    return Comparison(base, candidate, metrics, params, inputs, outputs, extra, needed, datasets, summary)


def direction(metric: str) -> str | None:
    """Say which way a metric is better, by the words in its name: "val_accuracy" → "higher"; None when not known."""
    words = set("".join(c if c.isalnum() else " " for c in metric.lower()).split())
    words |= {word.rstrip("0123456789") for word in words if word not in HIGHER}
    lower, higher = words & LOWER, words & HIGHER
    if lower:  # "f1_error", "log_loss": the word for the fault decides
        return "lower"
    return "higher" if higher else None


def rows(base: dict[str, Any], candidate: dict[str, Any]) -> list[Row]:
    """Pair two dicts by key, in the base's order, then what only the candidate has."""
    return [Row(name, base.get(name), candidate.get(name)) for name in {**base, **candidate}]


def _names(base: ModelVersion, candidate: ModelVersion) -> list[str]:
    return sorted({*base.metrics, *candidate.metrics})


def _metric(name: str, base: Any, candidate: Any) -> MetricRow:
    way = direction(name)
    if not (_finite(base) and _finite(candidate)):
        return MetricRow(name, base, candidate, None, None, way, "unknown")
    delta = candidate - base
    percent = delta / abs(base) * 100 if base else None
    if not math.isfinite(delta) or (percent is not None and not math.isfinite(percent)):
        return MetricRow(name, base, candidate, None, None, way, "unknown")
    if delta == 0:
        return MetricRow(name, base, candidate, 0.0, percent, way, "same")
    better = (delta > 0) == (way == "higher")
    verdict = "unknown" if way is None else "better" if better else "worse"
    return MetricRow(name, base, candidate, delta, percent, way, verdict)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _columns(version: ModelVersion, part: str) -> dict[str, str]:
    columns = (version.signature or {}).get(part, [])
    return {column["name"] or f"#{place}": _column(column) for place, column in enumerate(columns, 1)}


def _column(column: dict[str, Any]) -> str:
    if "default" in column:
        return f"{column['type']} = {column['default']}"
    return column["type"] if column.get("required", True) else f"{column['type']}, optional"


def _requirements(version: ModelVersion) -> dict[str, str]:
    parsed = [requirements.parse(line) for line in version.requirements or []]
    return {row.name or row.line: row.specifier for row in parsed}


def _datasets(version: ModelVersion) -> dict[str, str]:
    return {
        f"{row['name']} ({row['context']})" if row["context"] else row["name"]: row["digest"]
        for row in version.datasets
    }


def _changed(compared: list[Row]) -> int:
    return sum(row.change != "same" for row in compared)
