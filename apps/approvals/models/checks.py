"""What CI reported about a version, and who waived a check."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.approvals.models.requests import ApprovalRequest
from apps.registry.models import ModelVersion


class ExternalOutcome(models.TextChoices):
    """What a pipeline says of its check."""

    PASS = "pass", _("Passed")
    FAIL = "fail", _("Failed")
    ERROR = "error", _("Broke")
    PENDING = "pending", _("Running")


class ExternalCheck(models.Model):
    """A check that something outside Assent carried out on a version. The last report of a name is the current one."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="external_checks")
    name = models.CharField(max_length=100)
    outcome = models.CharField(max_length=10, choices=ExternalOutcome.choices)
    detail = models.TextField(blank=True)
    link = models.CharField(max_length=2000, blank=True)
    inputs = models.CharField(max_length=200, blank=True)  # what it looked at: a commit or a digest
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(auto_now_add=True)
    valid_until = models.DateTimeField(null=True)  # afterwards it counts as not passed
    current = models.BooleanField(default=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "name"], condition=Q(current=True), name="approvals_one_current_report_per_check"
            )
        ]
        indexes = [models.Index(fields=["version", "-id"], name="approvals_external_by_version")]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"


class Waiver(models.Model):
    """Somebody other than the requester answers for a check that does not pass, for a while."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="waivers")
    check_name = models.CharField(max_length=120)
    reason = models.TextField()
    waived_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    given_on = models.CharField(max_length=64, blank=True)  # the digest of the report that it answers for
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["request", "check_name"], condition=Q(revoked_at=None), name="approvals_one_waiver_per_check"
            )
        ]

    def __str__(self) -> str:
        return f"waiver of {self.check_name}"
