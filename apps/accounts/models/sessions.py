"""How people come in: their sessions, their invitations, and what proves them once more when they sign."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.utils import timezone

from apps.accounts.models.people import User


class SessionRows(BaseSessionManager):
    """All sessions; `living` are those that still sign somebody in."""

    def living(self) -> models.QuerySet:
        """Return the sessions that neither ended by their time nor by idleness."""
        now = timezone.now()
        idle = now - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
        return self.get_queryset().filter(expire_date__gt=now, seen_at__gt=idle)


class Session(AbstractBaseSession):
    """A browser's session. Its key is the hash of what the browser sends: a stolen table signs nobody in.

    `person` is who is signed in there, None while nobody is; address and browser are those of the sign-in.
    """

    person = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="sessions")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # to the minute
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=300, blank=True)
    method = models.CharField(max_length=60, blank=True)  # how they signed in: "password", "password, totp", …

    objects = SessionRows()  # type: ignore[misc]

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    @classmethod
    def get_session_store_class(cls) -> Any:
        """Return the store that reads and writes these rows."""
        from apps.accounts.session_store import SessionStore  # the store reads this module

        return SessionStore


class Invitation(models.Model):
    """A link by which a person chooses their password, once. Its SHA-256 is stored; it is shown when it is made."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.CharField(max_length=150)  # a user name, as the trail names people
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(used_at=None, revoked_at=None),
                name="accounts_one_open_invitation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} ({self.created_at:%Y-%m-%d})"

    @property
    def usable(self) -> bool:
        """Whether it still lets its person choose a password."""
        open_ = self.used_at is None and self.revoked_at is None
        return open_ and self.expires_at > timezone.now() and self.person.is_active


class SigningPass(models.Model):
    """That somebody proved who they are a moment ago, for one signature: by passkey or by a fresh single sign-on.

    Only the SHA-256 of its text is stored; it is used up by the first signature that it confirms.
    """

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="signing_passes")
    digest = models.CharField(max_length=64, unique=True)
    method = models.CharField(max_length=20)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.person}: {self.method}"
