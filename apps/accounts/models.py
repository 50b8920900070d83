"""People, and the tokens that act for them."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import INSTALLATION_PERMISSIONS


class User(AbstractUser):
    """A person. Custom from the first migration, so that it can grow."""

    class Meta(AbstractUser.Meta):
        permissions = [(permission.codename, permission.value) for permission in INSTALLATION_PERMISSIONS]

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class TokenScope(models.TextChoices):
    """What a token may be used for, within what its person may do."""

    READ = "read", _("Read")
    WRITE = "write", _("Read and write")


class ApiToken(models.Model):
    """A key for the API. Only its SHA-256 is stored; the token itself is shown once, when it is made."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)  # shown in lists; finds the row
    digest = models.CharField(max_length=64)
    scope = models.CharField(max_length=10, choices=TokenScope.choices, default=TokenScope.READ)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"

    @property
    def usable(self) -> bool:
        """Whether it is neither revoked nor expired, and its person is active."""
        return self.revoked_at is None and self.expires_at > timezone.now() and self.user.is_active
