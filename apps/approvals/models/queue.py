"""What the review queue finds requests by, kept beside each of them: see waiting.py, which alone writes it.

Thousands of requests cannot be matched against people for each page; with these rows the database does it.
"""

from django.contrib.auth.models import Group
from django.db import models

from apps.approvals.models.requests import ApprovalRequest


class OpenSeat(models.Model):
    """An approval by somebody of this group (null: any reviewer of the model) would bring the request further."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="open_seats")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["request", "group"], name="approvals_open_seats")]

    def __str__(self) -> str:
        return f"open seat of request {self.request_id}"


class BarredReviewer(models.Model):
    """Somebody whom the policy keeps from signing a request, beside its requester: by the name MLflow knows."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="barred")
    username = models.CharField(max_length=150)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["request", "username"], name="approvals_barred")]

    def __str__(self) -> str:
        return f"{self.username} may not sign request {self.request_id}"
