"""Who must have a second factor."""

from django.apps import apps
from django.conf import settings

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission

# Whoever decides, or decides who decides.
WEIGHTY = frozenset(
    {
        Permission.CONNECTION_MANAGE,
        Permission.MODEL_BYPASS,
        Permission.MODEL_REVIEW,
        Permission.PEOPLE_MANAGE,
        Permission.POLICY_MANAGE,
        Permission.WEBHOOK_MANAGE,
    }
)


def must_have_factor(user: User) -> bool:
    """Return whether the installation lets `user` sign in with a second factor only."""
    if settings.SECOND_FACTOR == "everybody":
        return True
    if settings.SECOND_FACTOR != "duties":
        return False
    return bool(grants.held_somewhere(user, WEIGHTY, apps.get_model("registry", "RegisteredModel")))
