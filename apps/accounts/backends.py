"""How Django finds the person of a session."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from apps.accounts import known
from apps.accounts.models import User


class PersonBackend(ModelBackend):
    """Passwords as Django checks them; the person of a session comes with their permissions, in one query."""

    def get_user(self, user_id: int) -> User | None:
        """Return the person, None when there is none or they may not sign in."""
        person = known.person(user_id)
        return person if person and self.user_can_authenticate(person) else None

    def user_can_authenticate(self, user: Any) -> bool:
        """Return whether this is an active person: a service account has no session."""
        return super().user_can_authenticate(user) and not user.is_service
