"""How the trail names a finding, what it says about one, and who acts where no person does."""

from typing import Any

from apps.approvals.models import DriftFinding
from apps.audit.services import Actor, Target

MLFLOW = Actor("mlflow")
SYSTEM = Actor("system:drift")


def drift_target(finding: DriftFinding) -> Target:
    """Return the finding as the trail names it."""
    return Target("drift", f"drift {finding.pk}", finding.model_id)


def about(finding: DriftFinding) -> dict[str, Any]:
    """Return what a finding is about, for the data of its events: enough to tell it elsewhere without a look here."""
    return {
        "kind": str(finding.kind),
        "model": finding.model.reference,
        "version": version_text(finding),
        "alias": finding.alias,
        "expected": finding.expected,
        "found": finding.found,
        "decision": finding.decision_id,
    }


def version_text(finding: DriftFinding) -> str:
    """Return the version by its name and number, "churn v3"; empty for an alias that points nowhere."""
    return f"{finding.model.reference} v{finding.version.number}" if finding.version else ""
