"""People, the tokens that act for them, their sessions and invitations."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.bounds import UNBOUNDED, Bounds, carries
from apps.accounts.permissions import INSTALLATION_PERMISSIONS


class User(AbstractUser):
    """A person, or a service account: a machine that acts through tokens alone and signs off nothing.

    Which of the two is said once, when it is added: the database refuses to change it (triggers.py).
    """

    is_service = models.BooleanField(default=False)

    bounds: Bounds = UNBOUNDED  # of this request: what its token leaves of all that was granted

    class Meta(AbstractUser.Meta):
        permissions = [(permission.codename, permission.value) for permission in INSTALLATION_PERMISSIONS]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_service=False) | Q(password__startswith="!", is_staff=False, is_superuser=False),  # noqa: S106 - of none
                name="accounts_services_have_no_password",
            )
        ]

    def __str__(self) -> str:
        name = self.get_full_name() or self.username
        return gettext("%(name)s (service account)") % {"name": name} if self.is_service else name

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return Django's answer, within the bounds of this request."""
        return carries(self, perm) and super().has_perm(perm, obj)

    @property
    def is_limited(self) -> bool:
        """Whether only some models exist for this request: those that its token is limited to."""
        return self.bounds.models is not None


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
