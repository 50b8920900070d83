"""The one metric that lists show of a request: kept on it, so that a list of thousands compares nothing."""

from typing import Any

from apps.approvals.models import ApprovalPolicy, ApprovalRequest
from apps.registry import directions
from apps.registry.comparing import Directions, metric_rows
from apps.registry.comparing.metrics import MetricRow
from apps.registry.figures import metric_text
from apps.registry.models import ModelVersion


def of(
    version: ModelVersion, baseline: dict[str, Any] | None, policy: ApprovalPolicy | None
) -> dict[str, str | None] | None:
    """Return {metric, before, after, verdict} of a version beside what it is compared with; None without a metric.

    The policy names the metric; else it is the first one, by name, whose direction is known. Values are text as in the
    evidence, `before` None where there is nothing to compare with; the verdict is "better", "worse", "same" or
    "unknown".
    """
    known = Directions(baseline["directions"]) if baseline and "directions" in baseline else directions.load()
    name = _metric(version, policy.main_metric if policy else "", known)
    if name is None:
        return None
    before = baseline["metrics"].get(name) if baseline else None
    row = _judged(name, before, version.metrics[name], known)
    return {
        "metric": name,
        "before": before,
        "after": metric_text(version.metrics[name]),
        "verdict": row.verdict if before is not None else "unknown",
    }


def take(request: ApprovalRequest) -> None:
    """Set on the request the headline of its version beside its baseline. The caller saves."""
    request.headline = of(request.version, request.baseline, request.policy)


def _metric(version: ModelVersion, wanted: str, known: Directions) -> str | None:
    if wanted in version.metrics:
        return wanted
    return next((name for name in sorted(version.metrics) if known.of(name)), None)


def _judged(name: str, before: str | None, after: Any, known: Directions) -> MetricRow:
    return metric_rows([{name: _number(before)}, {name: after}], known)[0]


def _number(text: str | None) -> Any:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
