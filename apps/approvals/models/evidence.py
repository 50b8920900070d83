"""What a request's evidence said, kept once for each digest that it ever had."""

from django.db import models

from apps.approvals.models.requests import ApprovalRequest


class EvidenceSnapshot(models.Model):
    """The evidence of a request under one digest: what a signature with that digest is about. Never changed."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="snapshots")
    digest = models.CharField(max_length=64)
    content = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["request", "digest"], name="approvals_one_snapshot_per_digest")]

    def __str__(self) -> str:
        return f"evidence {self.digest[:12]} of request {self.request_id}"
