"""Requests that ask to make drift a decision: tied to their finding, and let go of it."""

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.approvals.drift.records import about, drift_target
from apps.approvals.drift.settling import locked_finding, put_back, settle
from apps.approvals.models import UNSETTLED, ApprovalRequest, DriftFinding, DriftKind, DriftState
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Actor
from apps.errors import WrongState
from apps.registry.models import ModelVersion


def to_cover(finding_id: int, version: ModelVersion, to_stage: str, alias: str = "") -> DriftFinding:
    """Return the finding, locked, if it still waits and says that the version is in `to_stage`, or `alias` at it.

    Raises WrongState.
    """
    finding = locked_finding(finding_id)
    if (
        finding.state == DriftState.OPEN
        and finding.version_id == version.pk
        and _says(finding, version, to_stage, alias)
    ):
        return finding
    message = _("Drift %(number)s is no longer as you saw it: it was settled, or MLflow changed again. Look again.")
    raise WrongState(message % {"number": finding_id})


def _says(finding: DriftFinding, version: ModelVersion, to_stage: str, alias: str) -> bool:
    if finding.kind == DriftKind.STAGE:
        return finding.found == version.stage == to_stage
    if finding.kind != DriftKind.ALIAS or finding.alias != alias:
        return False
    return finding.found == str(version.number) and version.aliases.filter(alias=alias).exists()


def cover(finding: DriftFinding, request: ApprovalRequest, *, by: Actor) -> None:
    """Let a finding wait for what becomes of the request that asks for it."""
    before = {"state": finding.state}
    finding.state, finding.request, finding.error = DriftState.REQUESTED, request, ""
    finding.save(update_fields=["state", "request", "error"])
    audit.record(
        Action.DRIFT_REQUESTED,
        by=by,
        target=drift_target(finding),
        reason=request.reason,
        before=before,
        after={"state": finding.state},
        **about(finding),
        request=request.pk,
    )


def covers(request: ApprovalRequest) -> bool:
    """Return whether the request asks for what MLflow already says."""
    found = str(request.version.number) if request.alias else request.to_stage
    return request.drift.filter(state=DriftState.REQUESTED, found=found).exists()


def release(request: ApprovalRequest) -> None:
    """Put the finding that a rejected or withdrawn request asked for back to people."""
    for finding in request.drift.filter(state=DriftState.REQUESTED):
        put_back(locked_finding(finding.pk))


def conclude(request: ApprovalRequest, moved: list[ModelVersion], *, alias: str = "", by: Actor) -> None:
    """Settle the findings that an applied request has answered, in the transaction that applies it.

    What the request asked for is accepted. Other findings on the stages that it moved, and on the alias, are overtaken:
    MLflow and the last decision agree again.
    """
    versions = {request.version_id, *(row.pk for row in moved)} if request.to_stage else set()
    answered = Q(version__in=versions, kind=DriftKind.STAGE)
    if alias:
        answered |= Q(model=request.version.model_id, kind=DriftKind.ALIAS, alias=alias)
    rows = DriftFinding.objects.filter(answered, state__in=UNSETTLED).order_by("pk")
    for pk in list(rows.values_list("pk", flat=True)):
        finding = locked_finding(pk)
        if finding.request_id == request.pk and finding.state == DriftState.REQUESTED:
            state, action = DriftState.ACCEPTED, Action.DRIFT_ACCEPTED
            reason = request.reason
        else:
            state, action = DriftState.RESOLVED, Action.DRIFT_RESOLVED
            reason = _overtaken(finding) % {"number": request.pk}
        settle(finding, state, action, by=by, reason=reason, request=request.pk)


def _overtaken(finding: DriftFinding) -> str:
    if finding.kind == DriftKind.ALIAS:
        return _("Request %(number)s decided the alias anew.")
    return _("Request %(number)s decided the stage anew.")
