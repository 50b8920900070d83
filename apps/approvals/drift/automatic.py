"""The switch of a policy: drift of a stage is reverted as soon as it is found, and not for ever."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.approvals import policies
from apps.approvals.drift.decisions import BEGUN
from apps.approvals.drift.records import SYSTEM, about, drift_target, version_text
from apps.approvals.drift.settling import begin_revert, being_closed
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, DriftFinding, DriftKind, DriftState
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.models import AuditEvent

MOST_REVERTS = 3  # of one version, within
WITHIN = timedelta(hours=1)


def revert_if_policy_says(finding: DriftFinding) -> None:
    """Begin to revert a stage finding where the policy of its expected or found stage says so.

    In the caller's transaction, with the finding locked. Not while an approved request is about to decide the same,
    and not a fourth time within an hour: whoever moves it back each time has to be talked to.
    """
    if finding.kind != DriftKind.STAGE or finding.state != DriftState.OPEN or being_closed(finding):
        return
    policy = _demanding(finding)
    if policy is None or _being_decided(finding):
        return
    if _reverts_lately(finding) >= MOST_REVERTS:
        message = _(
            "Assent has reverted this version %(times)s times within an hour, and MLflow was changed again each time. "
            "It waits for a person now: find out who or what moves it."
        )
        finding.error = message % {"times": MOST_REVERTS}
        finding.save(update_fields=["error"])
        return
    begin_revert(finding, requested_by=SYSTEM.name)
    reason = _("The policy of %(stage)s reverts drift at once.") % {"stage": policy.stage}
    target = drift_target(finding)
    audit.record(
        Action.DRIFT_REVERT_STARTED, by=SYSTEM, target=target, reason=reason, policy=policy.pk, **about(finding)
    )


def _demanding(finding: DriftFinding) -> ApprovalPolicy | None:
    in_force = [policies.in_force(finding.model_id, stage) for stage in (finding.expected, finding.found)]
    return next((policy for policy in in_force if policy and policy.revert_drift), None)


def _being_decided(finding: DriftFinding) -> bool:
    requests = ApprovalRequest.objects.filter(version=finding.version_id, to_stage=finding.found, state__in=BEGUN)
    return requests.exists()


def _reverts_lately(finding: DriftFinding) -> int:
    started = AuditEvent.objects.filter(
        actor=SYSTEM.name,
        action=Action.DRIFT_REVERT_STARTED,
        model_id=finding.model_id,
        at__gte=timezone.now() - WITHIN,
    )
    return started.filter(data__version=version_text(finding)).count()
