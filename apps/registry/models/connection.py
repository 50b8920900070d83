"""The MLflow servers that Assent mirrors."""

from django.db import models
from django.utils.translation import gettext_lazy as _

DEFAULT_CONNECTION = "default"


class ConnectionAuth(models.TextChoices):
    """How Assent signs in to an MLflow server."""

    NONE = "none", _("No sign-in")
    TOKEN = "token", _("Token")
    PASSWORD = "password", _("Name and password")


class Connection(models.Model):
    """An MLflow server. Its name stands in addresses ("eu:churn"), so it never changes.

    The one named "default" is what the environment says (MLFLOW_BACKEND_URL and its companions): its url, sign-in and
    timeout here stay empty, and its models keep short addresses ("churn"). Rows are never deleted, only disabled.
    """

    name = models.CharField(max_length=40, primary_key=True)  # [a-z0-9-]
    url = models.TextField(blank=True)
    auth = models.CharField(max_length=10, choices=ConnectionAuth.choices, default=ConnectionAuth.NONE)
    username = models.TextField(blank=True)
    secret = models.TextField(blank=True)  # token or password, sealed by apps.encryption
    secret_at = models.DateTimeField(null=True)  # when it was entered
    verify_tls = models.BooleanField(default=True)
    ca_certificates = models.TextField(blank=True)  # PEM; empty: the system's
    timeout_seconds = models.FloatField(default=10.0)  # of each whole call
    public_url = models.TextField(blank=True)  # where browsers reach MLflow's own pages
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.TextField(default="system")

    listed_at = models.DateTimeField(null=True)  # MLflow's clock: what changed before is mirrored; null: nothing is
    imported_at = models.DateTimeField(null=True)  # end of the first complete listing: later surprises are drift
    imported_from = models.TextField(blank=True)  # the address that the last complete listing came from
    completed_at = models.DateTimeField(null=True)  # end of the last complete listing
    complete_seconds = models.FloatField(null=True)  # how long that took

    webhook_id = models.TextField(blank=True)  # MLflow's number of our webhook; empty: none registered
    webhook_url = models.TextField(blank=True)
    webhook_secret = models.TextField(blank=True)  # sealed by apps.encryption
    webhook_at = models.DateTimeField(null=True)
    webhook_by = models.TextField(blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @property
    def is_default(self) -> bool:
        """Whether the environment describes it."""
        return self.name == DEFAULT_CONNECTION
