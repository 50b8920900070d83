"""A person's word on a request, bound to the evidence that it is about."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.approvals.models.requests import ApprovalRequest


class Verdict(models.TextChoices):
    """What a reviewer says."""

    APPROVE = "approve", _("Approve")
    REQUEST_CHANGES = "request_changes", _("Request changes")
    REJECT = "reject", _("Reject")


class Meaning(models.TextChoices):
    """What a signature means (21 CFR 11.50): the list that signers choose from."""

    APPROVAL = "approval", _("Approval")
    REVIEW = "review", _("Review")
    RESPONSIBILITY = "responsibility", _("Responsibility")
    AUTHORSHIP = "authorship", _("Authorship")


class Review(models.Model):
    """One reviewer's word on exactly the evidence whose digest it names. A later word replaces it; both are kept.

    `counts_for` is the person who fills a rule: the reviewer, or the one for whom a delegate speaks.
    """

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="reviews")
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")  # for the check
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    reviewer_role = models.TextField(blank=True)  # at that time
    counts_for = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    comment = models.TextField(blank=True)
    evidence_digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)  # what of the evidence it is about; empty: everything
    created_at = models.DateTimeField(auto_now_add=True)
    standing = models.BooleanField(default=True)
    dismissed_because = models.TextField(blank=True)
    dismissed_at = models.DateTimeField(null=True)

    meaning = models.CharField(max_length=20, choices=Meaning.choices, default=Meaning.APPROVAL)
    signed_name = models.TextField(blank=True)  # printed, as it was then
    confirmed_with = models.CharField(max_length=20, blank=True)  # "password" when signing asked again
    statement = models.TextField(blank=True)  # the sentence that was shown above the button

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "reviewer"], condition=Q(standing=True), name="approvals_one_standing_review_each"
            ),
            models.UniqueConstraint(
                fields=["request", "counts_for"], condition=Q(standing=True), name="approvals_one_standing_word_each"
            ),
            models.CheckConstraint(condition=~Q(requester=F("reviewer")), name="approvals_nobody_reviews_their_own"),
            models.CheckConstraint(condition=~Q(requester=F("counts_for")), name="approvals_nobody_lends_their_word"),
        ]
        indexes = [models.Index(fields=["request", "id"], name="approvals_review_in_order")]

    def __str__(self) -> str:
        return f"{self.verdict} on request {self.request_id}"


class Severity(models.TextChoices):
    """How much hangs on a condition."""

    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")


class Condition(models.Model):
    """What must be done by when for an approval to keep counting. Overdue, it revokes the approval."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="conditions")
    text = models.TextField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.MEDIUM)
    due_at = models.DateTimeField()
    met_at = models.DateTimeField(null=True)
    met_by = models.TextField(blank=True)
    note = models.TextField(blank=True)  # how it was met
    revoked_at = models.DateTimeField(null=True)  # when it was found overdue

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(met_at=None, revoked_at=None), name="approvals_condition_by_due"
            )
        ]

    def __str__(self) -> str:
        return self.text
