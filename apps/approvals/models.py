"""The sign-off: a policy per stage, a request, its reviews. What a race could break is a constraint here."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.registry.models import ModelVersion, RegisteredModel, Stage


class ApprovalPolicy(models.Model):
    """What a stage demands. Published policies never change: a new one takes over, requests keep theirs.

    `model` null: for every model without a policy of its own. `group` null: any reviewer of the model.
    """

    stage = models.CharField(max_length=20, choices=Stage.choices)
    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, null=True, related_name="policies")
    required_approvals = models.PositiveSmallIntegerField()
    group = models.ForeignKey(Group, on_delete=models.PROTECT, null=True)
    archive_existing = models.BooleanField(default=True)  # what a request proposes for the versions now in the stage
    revert_drift = models.BooleanField(default=False)  # undo at once what MLflow's stage says without a decision
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.TextField()
    reason = models.TextField(blank=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(required_approvals__gte=1), name="approvals_policy_needs_someone"),
            models.UniqueConstraint(
                fields=["stage"], condition=Q(retired_at=None, model=None), name="approvals_one_policy_per_stage"
            ),
            models.UniqueConstraint(
                fields=["stage", "model"],
                condition=Q(retired_at=None, model__isnull=False),
                name="approvals_one_policy_per_model_and_stage",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} policy {self.pk}"


class RequestState(models.TextChoices):
    """Where a request stands. Never called a stage: that word is MLflow's."""

    OPEN = "open", _("Waiting for review")
    CHANGES_REQUESTED = "changes_requested", _("Changes requested")
    APPROVED = "approved", _("Approved")
    APPLYING = "applying", _("Applying")
    APPLIED = "applied", _("Applied")
    APPLY_FAILED = "apply_failed", _("Could not be applied")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


UNDER_REVIEW = (RequestState.OPEN, RequestState.CHANGES_REQUESTED)
UNFINISHED = (*UNDER_REVIEW, RequestState.APPROVED, RequestState.APPLYING, RequestState.APPLY_FAILED)


class ApprovalRequest(models.Model):
    """Somebody asks to move a version to a stage."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="requests")
    from_stage = models.CharField(max_length=20, choices=Stage.choices)
    to_stage = models.CharField(max_length=20, choices=Stage.choices)
    archive_existing = models.BooleanField()
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests")
    reason = models.TextField()
    policy = models.ForeignKey(ApprovalPolicy, on_delete=models.PROTECT)
    state = models.CharField(max_length=20, choices=RequestState.choices, default=RequestState.OPEN)
    evidence = models.JSONField()  # what there is to review, see evidence.py
    evidence_digest = models.CharField(max_length=64)
    checks = models.JSONField(default=list)  # what they said when this was decided, see findings.py
    baseline = models.JSONField(null=True)  # the version compared with, as it was then; null: there was none
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    closed_at = models.DateTimeField(null=True)  # applied, rejected or withdrawn
    stage_before = models.CharField(max_length=20, blank=True)  # read from MLflow before the write
    apply_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "to_stage"],
                condition=Q(state__in=["open", "changes_requested", "approved", "applying", "apply_failed"]),
                name="approvals_one_unfinished_request_per_version_and_stage",
            ),
            models.CheckConstraint(condition=~Q(from_stage=F("to_stage")), name="approvals_request_moves"),
            models.CheckConstraint(
                condition=Q(state__in=["applied", "rejected", "withdrawn"], closed_at__isnull=False)
                | Q(~Q(state__in=["applied", "rejected", "withdrawn"]), closed_at=None),
                name="approvals_closed_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="approvals_request_by_state"),
            models.Index(fields=["requester", "-id"], name="approvals_by_requester"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"


class Verdict(models.TextChoices):
    """What a reviewer says."""

    APPROVE = "approve", _("Approve")
    REQUEST_CHANGES = "request_changes", _("Request changes")
    REJECT = "reject", _("Reject")


class Review(models.Model):
    """One reviewer's word on exactly the evidence whose digest it names. A later word replaces it; both are kept."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="reviews")
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")  # for the check
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    reviewer_role = models.TextField(blank=True)  # at that time
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    comment = models.TextField(blank=True)
    evidence_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    standing = models.BooleanField(default=True)
    dismissed_because = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "reviewer"], condition=Q(standing=True), name="approvals_one_standing_review_each"
            ),
            models.CheckConstraint(condition=~Q(requester=F("reviewer")), name="approvals_nobody_reviews_their_own"),
        ]
        indexes = [models.Index(fields=["request", "id"], name="approvals_review_in_order")]

    def __str__(self) -> str:
        return f"{self.verdict} on request {self.request_id}"


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
