"""What people say about a version, apart from any request."""

from datetime import timedelta

from django.conf import settings
from django.db import models

from apps.registry.models import ModelVersion


class VersionComment(models.Model):
    """One comment on a version. Its author may change or remove it; the trail keeps every text that it had."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["version", "id"], name="approvals_comment_in_order")]

    def __str__(self) -> str:
        return f"comment {self.pk}"

    @property
    def changed(self) -> bool:
        """Whether its author has changed it since: both times are taken one after the other when it is made."""
        return self.updated_at - self.created_at > timedelta(seconds=1)
