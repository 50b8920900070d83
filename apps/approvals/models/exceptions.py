"""Ways beside the ordinary: somebody speaks for another, a policy is bypassed, what is owed afterwards."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.approvals.models.requests import ApprovalRequest
from apps.registry.models import RegisteredModel


class Delegation(models.Model):
    """One person reviews for another, for a while. Exclusions apply to both; nobody passes it on."""

    delegator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_given")
    delegate = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_held")
    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, null=True)  # null: every model
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=~Q(delegator=F("delegate")), name="approvals_delegate_is_another"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="approvals_delegation_has_an_end"),
        ]
        indexes = [models.Index(fields=["delegate", "ends_at"], name="approvals_delegation_held")]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.delegator}"


class Bypass(models.Model):
    """Breaking the glass: one person asks to apply a request without what its policy demands, a second confirms."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="bypasses")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    reason = models.TextField()
    ticket = models.CharField(max_length=500)
    evidence_digest = models.CharField(max_length=64, blank=True)  # what the two sign: the evidence when it was asked
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)  # the request moved on without it

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["request"], condition=Q(dropped_at=None), name="approvals_one_bypass_per_request"
            ),
            models.CheckConstraint(condition=~Q(asked_by=F("confirmed_by")), name="approvals_bypass_takes_two"),
            models.CheckConstraint(
                condition=Q(confirmed_by=None, confirmed_at=None)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
                name="approvals_bypass_confirmed_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["confirmed_at"], condition=Q(confirmed_at__isnull=False), name="approvals_bypass_confirmed"
            ),
            models.Index(
                fields=["asked_at"], condition=Q(confirmed_at=None, dropped_at=None), name="approvals_bypass_asked"
            ),
        ]

    def __str__(self) -> str:
        return f"bypass of request {self.request_id}"


class Ratification(models.TextChoices):
    """How a review after the fact ended."""

    RATIFIED = "ratified", _("Ratified")
    NOT_RATIFIED = "not_ratified", _("Not ratified")


class AfterReview(models.Model):
    """The review that a bypass or a rollback owes, by when, and how it ended."""

    request = models.OneToOneField(ApprovalRequest, on_delete=models.PROTECT, related_name="after_review")
    due_at = models.DateTimeField()
    overdue_at = models.DateTimeField(null=True)  # when it was found overdue
    outcome = models.CharField(max_length=20, choices=Ratification.choices, blank=True)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    comment = models.TextField(blank=True)
    evidence_digest = models.CharField(max_length=64, blank=True)  # what the reviewer read

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", reviewer=None, reviewed_at=None)
                | Q(~Q(outcome=""), reviewer__isnull=False, reviewed_at__isnull=False),
                name="approvals_after_review_has_reviewer",
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(outcome=""), name="approvals_after_review_due"),
            models.Index(fields=["reviewed_at"], condition=Q(outcome="not_ratified"), name="approvals_not_ratified"),
        ]

    def __str__(self) -> str:
        return f"after-review of request {self.request_id}"


class Recertification(models.Model):
    """A reviewer says that an applied approval still holds, and until when."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="recertifications")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    until = models.DateTimeField()
    comment = models.TextField(blank=True)
    evidence_digest = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["request", "-id"], name="approvals_recertifications")]

    def __str__(self) -> str:
        return f"request {self.request_id} until {self.until:%Y-%m-%d}"
