"""What reviewers see beside the evidence: the checks, and the version compared with. Kept as it was when decided.

While a request is under review both are computed from the mirror as it is now. Afterwards the stored ones are shown:
what was signed stays readable as it was signed, whatever moves or changes later.
"""

import math
from typing import Any

from django.db.models import QuerySet

from apps.approvals import checks, evidence, headline
from apps.approvals.checks import CheckResult
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest
from apps.registry import directions
from apps.registry.models import ModelVersion, RegisteredModel, Stage

SERVED = (Stage.PRODUCTION, Stage.STAGING)  # stages whose versions somebody uses
COMPARED = ("params", "datasets", "signature", "requirements")  # beside the metrics


def take(request: ApprovalRequest) -> None:
    """Set on the request what the checks say and what it is compared with at this moment. The caller saves."""
    request.checks = [checks.as_row(result) for result in checks.results(request)]
    request.baseline = baseline(request.version, request.to_stage, request.alias)
    headline.take(request)


def live(request: ApprovalRequest) -> bool:
    """Return whether the findings are those of this moment: nothing is decided yet."""
    return request.state in UNDER_REVIEW


def checks_of(request: ApprovalRequest) -> list[CheckResult]:
    """Return what the checks say, or said when the request was decided."""
    if live(request):
        return checks.results(request)
    return [checks.from_row(row) for row in request.checks]


def baseline_of(request: ApprovalRequest) -> dict[str, Any] | None:
    """Return the version that the request is, or was, compared with, as it was then; None when there was none."""
    return baseline(request.version, request.to_stage, request.alias) if live(request) else request.baseline


def baseline(version: ModelVersion, to_stage: str, alias: str = "") -> dict[str, Any] | None:
    """Return the version to compare with as JSON, written as in the evidence; None when there is none."""
    base = base_version(version, to_stage, alias)
    if base is None:
        return None
    content = evidence.collect(base)
    kept = ("model", "version", "run_id", "metrics", *COMPARED)
    known = directions.load()
    ways = {name: known.of(name) for name in sorted({*base.metrics, *version.metrics})}
    written = {name: content[name] for name in kept}
    return {"stage": str(base.stage), **written, "files": evidence.sizes(base), "directions": ways}


def base_version(version: ModelVersion, to_stage: str, alias: str = "") -> ModelVersion | None:
    """Return the version that the alias points to, or the newest other in the stage, else in Production, or None."""
    if alias and (pointed := pointed_to(version, alias)):
        return pointed
    there = in_stage(version, to_stage).first() if to_stage in SERVED else None
    return there or in_stage(version, Stage.PRODUCTION).first()


def in_stage(version: ModelVersion, stage: str) -> QuerySet[ModelVersion]:
    """Return the model's other living versions that are in `stage`, newest first."""
    others = ModelVersion.objects.filter(model=version.model_id, stage=stage, deleted_at=None).exclude(pk=version.pk)
    return others.select_related("model").order_by("-number")


def pointed_to(version: ModelVersion, alias: str) -> ModelVersion | None:
    """Return the model's other living version that an alias points to now, or None."""
    others = ModelVersion.objects.filter(model=version.model_id, deleted_at=None).exclude(pk=version.pk)
    return others.filter(aliases__alias=alias).select_related("model").first()


def as_version(model: RegisteredModel, content: dict[str, Any]) -> ModelVersion:
    """Return stored evidence, or a stored baseline, as a version to compare and show. Not a row of the mirror."""
    fields = {name: content[name] for name in COMPARED if name in content}
    metrics = {name: _number(text) for name, text in content.get("metrics", {}).items()}
    fields["files"] = [{"path": path, "size": size} for path, size in (content.get("files") or {}).items()]
    return ModelVersion(
        model=model, number=content.get("version", 0), stage=content.get("stage", ""), metrics=metrics, **fields
    )


def _number(text: Any) -> Any:
    """Return a metric of the evidence as a number where it is a finite one: "0.91" → 0.91, "NaN" → "NaN"."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return text
    return number if math.isfinite(number) else text
