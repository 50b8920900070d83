"""The aliases that are governed, and what MLflow says otherwise than the decisions."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.approvals.models.requests import ApprovalRequest
from apps.registry.models import ModelVersion, RegisteredModel


class ProtectedAlias(models.Model):
    """An alias that decides what is served: where it points is governed on every model."""

    alias = models.CharField(max_length=255, unique=True)
    added_at = models.DateTimeField(auto_now_add=True)
    added_by = models.TextField()
    reason = models.TextField(blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"@{self.alias}"


class DriftKind(models.TextChoices):
    """What MLflow says otherwise than the last decision."""

    STAGE = "stage", _("Stage")
    ALIAS = "alias", _("Protected alias")
    ARTIFACTS = "artifacts", _("Artifacts")
    DELETED = "deleted", _("Deleted")


class DriftState(models.TextChoices):
    """Where a finding stands."""

    OPEN = "open", _("Open")
    REQUESTED = "requested", _("Under review")  # a request asks to make it a decision
    REVERTING = "reverting", _("Being reverted")
    ACCEPTED = "accepted", _("Accepted")
    REVERTED = "reverted", _("Reverted")
    RESOLVED = "resolved", _("Resolved in MLflow")  # MLflow says again what the decision says


UNSETTLED = (DriftState.OPEN, DriftState.REQUESTED, DriftState.REVERTING)


class DriftFinding(models.Model):
    """A change in MLflow that no decision of Assent covers.

    `expected` and `found` are a stage, a version number as text (alias; empty: none), or a digest (artifacts).
    """

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="drift")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="drift")
    kind = models.CharField(max_length=10, choices=DriftKind.choices)
    alias = models.CharField(max_length=255, blank=True)
    expected = models.TextField(blank=True)
    found = models.TextField(blank=True)
    details = models.JSONField(default=dict)  # what more there is to tell: what changed, what MLflow knows of who
    decision = models.ForeignKey(
        ApprovalRequest, on_delete=models.PROTECT, null=True, related_name="+"
    )  # that says otherwise; null: nobody ever decided
    state = models.CharField(max_length=10, choices=DriftState.choices, default=DriftState.OPEN)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(auto_now_add=True)
    request = models.ForeignKey(
        ApprovalRequest, on_delete=models.PROTECT, null=True, related_name="drift"
    )  # that asks to make it a decision
    error = models.TextField(blank=True)  # why the last revert did not work
    settled_at = models.DateTimeField(null=True)
    settled_by = models.TextField(blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "version", "kind", "alias"],
                condition=Q(state__in=["open", "requested", "reverting"], version__isnull=False),
                name="approvals_one_unsettled_drift_per_thing",
            ),
            models.UniqueConstraint(
                fields=["model", "alias"],
                condition=Q(state__in=["open", "requested", "reverting"], version=None),
                name="approvals_one_unsettled_drift_per_alias",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "requested", "reverting"], settled_at=None)
                | Q(state__in=["accepted", "reverted", "resolved"], settled_at__isnull=False),
                name="approvals_settled_drift_has_time",
            ),
        ]
        indexes = [models.Index(fields=["state", "-id"], name="approvals_drift_by_state")]

    def __str__(self) -> str:
        return f"drift {self.pk}"
