"""The tokens that act for people."""

import hmac
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.people import User


class TokenScope(models.TextChoices):
    """What a token may be used for, within what its person may do: see scopes.py."""

    GATE = "gate", _("Ask the gate")
    READ = "read", _("Read")
    REGISTER = "register", _("Read, register versions, report checks")
    WRITE = "write", _("Read and write")
    ADMIN = "admin", _("Read, write, administer")


class ApiToken(models.Model):
    """A key for the API. Only its SHA-256 is stored; the token itself is shown once, when it is made or renewed.

    Renewed, it has a new secret under the same prefix; the one before (`old_digest`) works until `old_until`.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)  # shown in lists; finds the row
    digest = models.CharField(max_length=64)
    scope = models.CharField(max_length=10, choices=TokenScope.choices, default=TokenScope.READ)
    limited_to = models.JSONField(null=True)  # the keys of the only models that it sees; null: all that its person sees
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.CharField(max_length=45, blank=True)  # an address, as of last_used_at
    old_digest = models.CharField(max_length=64, blank=True)
    old_until = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # The tokens through which its secrets were made, each of which takes it along when it ends; none: made without one.
    # One of a secret before stays: others were made with that, and maybe the present one.
    makers: "models.ManyToManyField[ApiToken, Any]" = models.ManyToManyField(
        "self", symmetrical=False, related_name="+"
    )

    ended_along = 0  # how many tokens ended with what was just done to this one

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(old_digest="", old_until=None) | Q(~Q(old_digest=""), old_until__isnull=False),
                name="accounts_old_secret_has_an_end",
            ),
            models.CheckConstraint(
                condition=~Q(scope=TokenScope.ADMIN.value) | Q(limited_to__isnull=True),
                name="accounts_admin_tokens_are_not_limited",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"

    @property
    def usable(self) -> bool:
        """Whether it is neither revoked nor expired, and its person is active."""
        return self.revoked_at is None and self.expires_at > timezone.now() and self.user.is_active

    @property
    def overlaps(self) -> bool:
        """Whether the secret that was renewed still works beside the new one."""
        return self.old_until is not None and self.old_until > timezone.now()

    def end_of(self, digest: str) -> datetime | None:
        """Return when the secret with this digest ends; None: it is no secret of this token, or not any more."""
        if hmac.compare_digest(self.digest, digest):
            return self.expires_at
        return self.old_until if self.overlaps and hmac.compare_digest(self.old_digest, digest) else None


class Sponsor(models.Model):
    """That a person can act as a service account, or could: they made it (`token` null), or learnt a token's secret.

    What the account asks for, they ask for: nobody signs that. Rows stay as long as the account does.
    """

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sponsors")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, null=True, related_name="+")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["account", "person"], condition=Q(token=None), name="accounts_made_an_account_once"
            ),
            models.UniqueConstraint(fields=["token", "person"], name="accounts_sponsor_once_per_token"),
            models.CheckConstraint(condition=~Q(account=models.F("person")), name="accounts_not_ones_own_sponsor"),
        ]

    def __str__(self) -> str:
        return f"{self.person} answers for {self.account}"
