"""The ends of a finding, and the ways back to open: rows and counts, in the caller's transaction.

Locks are taken in one order everywhere: the model, its versions, its findings, the end of the trail. The writers of
the mirror hold the first two when they tell what changed.
"""

from typing import Any

from django.utils import timezone

from apps.approvals import counts
from apps.approvals.drift.records import about, drift_target
from apps.approvals.models import DriftFinding, DriftState
from apps.audit import services as audit
from apps.audit.actions import Action, Source
from apps.audit.services import Actor
from apps.jobs.models import ACTIVE_STATES, Job
from apps.jobs.services import enqueue
from apps.registry import stages

REVERT_JOB = "approvals.revert"
REVERT_ATTEMPTS = 8


def locked_finding(finding_id: int) -> DriftFinding:
    """Return the finding, its model and itself locked until the end of the transaction."""
    model_id = DriftFinding.objects.values_list("model", flat=True).get(pk=finding_id)
    stages.lock_model(model_id)
    findings = DriftFinding.objects.select_for_update(of=("self",))
    return findings.select_related("model", "version__model", "decision").get(pk=finding_id)


def close(finding: DriftFinding, state: DriftState, *, by: str, reason: str = "") -> None:
    """Settle a finding. The caller records the event."""
    finding.state, finding.settled_at = state, timezone.now()
    finding.settled_by, finding.reason, finding.error = by, reason, ""
    finding.save(update_fields=["state", "settled_at", "settled_by", "reason", "error"])
    counts.note_drift(finding.model_id)


def settle(
    finding: DriftFinding,
    state: DriftState,
    action: Action,
    *,
    by: Actor,
    reason: str = "",
    source: Source | None = None,
    **data: Any,
) -> None:
    """Settle a finding and record it."""
    before = {"state": finding.state}
    close(finding, state, by=by.name, reason=reason)
    audit.record(
        action,
        by=by,
        target=drift_target(finding),
        reason=reason,
        source=source,
        before=before,
        after={"state": finding.state},
        **about(finding),
        **data,
    )


def put_back(finding: DriftFinding, *, error: str = "") -> None:
    """Let a finding wait for people again, with why the last attempt did not end it."""
    finding.details.pop("begun", None)
    finding.details.pop("wrote", None)
    finding.state, finding.error = DriftState.OPEN, error
    finding.save(update_fields=["state", "error", "details"])
    counts.note_drift(finding.model_id)


def being_closed(finding: DriftFinding) -> bool:
    """Return whether the job of an earlier revert is still about to end: it would take a new one with it."""
    return Job.objects.filter(key=_key(finding), state__in=ACTIVE_STATES).exists()


def begin_revert(finding: DriftFinding, *, requested_by: str) -> None:
    """Commit the job with the decision to revert. The caller records the event."""
    finding.state, finding.error = DriftState.REVERTING, ""
    finding.save(update_fields=["state", "error"])
    enqueue(
        REVERT_JOB,
        requested_by=requested_by,
        key=_key(finding),
        max_attempts=REVERT_ATTEMPTS,
        finding_id=finding.pk,
    )


def _key(finding: DriftFinding) -> str:
    return f"{REVERT_JOB}:{finding.pk}"
