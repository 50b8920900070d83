"""People, and machines that act as they do."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext

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
