"""How Django finds the person of a session, and what it says that they may do."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db.models import Model

from apps.accounts import grants, known
from apps.accounts.models import User


class PersonBackend(ModelBackend):
    """Passwords as Django checks them; the person of a session comes with their permissions, in one query.

    Django's `has_perm` agrees with every page: guardian's own backend would count what has ended.
    """

    def get_user(self, user_id: int) -> User | None:
        """Return the person, None when there is none or they may not sign in."""
        person = known.person(user_id)
        return person if person and self.user_can_authenticate(person) else None

    def user_can_authenticate(self, user: Any) -> bool:
        """Return whether this is an active person: a service account has no session."""
        return super().user_can_authenticate(user) and not user.is_service

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """Return the full names of what a person may do, everywhere or on a registered model."""
        if obj is not None:
            return {permission.full_name for permission in grants.held_permissions(user_obj, obj)}
        if user_obj.is_active and not user_obj.is_anonymous and not user_obj.is_superuser:
            return grants.names_everywhere(user_obj)
        return super().get_all_permissions(user_obj)
