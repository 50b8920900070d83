"""A request: somebody asks to move a version to a stage, or an alias to a version."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.approvals.models.policies import ApprovalPolicy
from apps.registry.models import ModelVersion, Stage


class RequestKind(models.TextChoices):
    """What kind of move it is; each may have a policy of its own through its target."""

    PROMOTION = "promotion", _("Promotion")
    ARCHIVE = "archive", _("Archive")
    ROLLBACK = "rollback", _("Rollback")


class RequestState(models.TextChoices):
    """Where a request stands. Never called a stage: that word is MLflow's."""

    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Waiting for review")
    CHANGES_REQUESTED = "changes_requested", _("Changes requested")
    APPROVED = "approved", _("Approved")
    APPLYING = "applying", _("Applying")
    APPLIED = "applied", _("Applied")
    APPLY_FAILED = "apply_failed", _("Could not be applied")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")
    SUPERSEDED = "superseded", _("Superseded")


class WriteState(models.TextChoices):
    """What is known of a write of ours that changes MLflow; empty: none was sent, or MLflow has shown that it was not.

    Only what was sent can have arrived: without that, what MLflow says is somebody else's doing.
    """

    SENT = "sent", _("Sent")
    SEEN = "seen", _("Seen in MLflow")


UNDER_REVIEW = (RequestState.OPEN, RequestState.CHANGES_REQUESTED)
UNFINISHED = (*UNDER_REVIEW, RequestState.APPROVED, RequestState.APPLYING, RequestState.APPLY_FAILED)
CLOSED = (
    RequestState.APPLIED,
    RequestState.REJECTED,
    RequestState.WITHDRAWN,
    RequestState.EXPIRED,
    RequestState.SUPERSEDED,
)
_UNDER_REVIEW = [state.value for state in UNDER_REVIEW]
_UNFINISHED = [state.value for state in UNFINISHED]
_CLOSED = [state.value for state in CLOSED]
_MOVABLE = [*_UNDER_REVIEW, RequestState.APPROVED.value]


class ApprovalRequest(models.Model):
    """Somebody asks to move a version to a stage (`to_stage`), or a protected alias to a version (`alias`).

    A draft has no policy and no evidence yet: both are pinned when it is submitted.
    """

    kind = models.CharField(max_length=10, choices=RequestKind.choices, default=RequestKind.PROMOTION)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="requests")
    from_stage = models.CharField(max_length=20, choices=Stage.choices, blank=True)
    to_stage = models.CharField(max_length=20, choices=Stage.choices, blank=True)
    alias = models.CharField(max_length=255, blank=True)
    from_number = models.PositiveIntegerField(null=True)  # where the alias that moves pointed; null: nowhere
    archive_existing = models.BooleanField()
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests")
    reason = models.TextField()
    roll_out = models.TextField(blank=True)  # how it goes live
    roll_back = models.TextField(blank=True)  # how to go back
    ticket = models.CharField(max_length=500, blank=True)  # an https address or a ticket's name
    policy = models.ForeignKey(ApprovalPolicy, on_delete=models.PROTECT, null=True)
    state = models.CharField(max_length=20, choices=RequestState.choices, default=RequestState.OPEN)
    evidence = models.JSONField(default=dict)  # what there is to review, see evidence.py
    evidence_digest = models.CharField(max_length=64, blank=True)
    checks = models.JSONField(default=list)  # what they said when this was decided, see findings.py
    baseline = models.JSONField(null=True)  # the version compared with, as it was then; null: there was none
    headline = models.JSONField(null=True)  # {metric, before, after, verdict}: what lists show of the comparison
    tally = models.JSONField(default=dict)  # {given, needed, checks}: what lists show of what it waits for
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="followers")  # asked again
    superseded_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="supersedes")

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    remind_at = models.DateTimeField(null=True)  # when to remind those who could decide
    expires_at = models.DateTimeField(null=True)  # undecided: when it expires; approved: when the approval does
    approved_at = models.DateTimeField(null=True)  # when the last requirement was met
    apply_after = models.DateTimeField(null=True)  # the end of the wait timer
    look_at = models.DateTimeField(null=True)  # when to look whether it may move; null: it waits for a vote
    closed_at = models.DateTimeField(null=True)  # applied, rejected, withdrawn, expired or superseded
    recertify_by = models.DateTimeField(null=True)  # until when an applied approval holds; null: for good
    recertify_told = models.CharField(max_length=10, blank=True)  # what was told of that: "", "due" or "overdue"
    lapsed_at = models.DateTimeField(null=True)  # when that was found to be over
    bypassed = models.BooleanField(default=False)  # applied without what its policy demands, see Bypass
    expedited = models.BooleanField(default=False)  # a bypass or a rollback: applied first, reviewed afterwards

    stage_before = models.CharField(max_length=20, blank=True)  # read from MLflow before the write
    alias_before = models.CharField(max_length=20, blank=True)  # likewise: a version number, "none", or not read yet
    stage_write = models.CharField(max_length=4, choices=WriteState.choices, blank=True)
    alias_write = models.CharField(max_length=4, choices=WriteState.choices, blank=True)
    apply_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "to_stage", "alias"],
                condition=Q(state__in=_UNFINISHED),
                name="approvals_one_unfinished_request_per_version_and_target",
            ),
            models.CheckConstraint(
                condition=Q(~Q(to_stage=""), alias="") | Q(~Q(alias=""), to_stage=""),
                name="approvals_request_has_one_target",
            ),
            models.CheckConstraint(
                condition=~Q(from_stage=F("to_stage")) | ~Q(alias=""), name="approvals_request_moves"
            ),
            models.CheckConstraint(
                condition=Q(state__in=_CLOSED, closed_at__isnull=False) | Q(~Q(state__in=_CLOSED), closed_at=None),
                name="approvals_closed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(policy__isnull=False, submitted_at__isnull=False),
                name="approvals_submitted_has_policy",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[RequestState.DRAFT.value, *_UNDER_REVIEW], expedited=True),
                name="approvals_under_review_is_not_expedited",
            ),
            models.CheckConstraint(
                condition=Q(bypassed=False) | Q(expedited=True), name="approvals_bypassed_is_expedited"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="approvals_request_by_state"),
            models.Index(fields=["requester", "-id"], name="approvals_by_requester"),
            models.Index(fields=["id"], condition=Q(state__in=_UNDER_REVIEW), name="approvals_under_review"),
            models.Index(
                fields=["-closed_at", "-id"], condition=Q(closed_at__isnull=False), name="approvals_request_by_end"
            ),
            models.Index(fields=["expires_at"], condition=Q(state__in=_UNFINISHED), name="approvals_request_by_expiry"),
            models.Index(fields=["remind_at"], condition=Q(state__in=_UNFINISHED), name="approvals_by_reminder"),
            models.Index(fields=["apply_after"], condition=Q(state="approved"), name="approvals_request_to_apply"),
            models.Index(fields=["look_at"], condition=Q(state__in=_MOVABLE), name="approvals_request_to_look_at"),
            models.Index(fields=["recertify_by"], condition=Q(state="applied"), name="approvals_to_recertify"),
            models.Index(fields=["version", "state", "-closed_at"], name="approvals_by_version_and_end"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"

    @property
    def target(self) -> str:
        """Where it moves to, as people say it: "Production" or "@champion"."""
        return f"@{self.alias}" if self.alias else self.to_stage
