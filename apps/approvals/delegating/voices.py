"""Whose word a review is: the reviewer's own, or that of somebody who lent them theirs."""

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals.models import ApprovalRequest, Delegation
from apps.errors import RuleViolation
from apps.registry.models import RegisteredModel


def in_force() -> QuerySet[Delegation]:
    """Return the delegations that hold at this moment."""
    now = timezone.now()
    return Delegation.objects.filter(
        starts_at__lte=now, ends_at__gt=now, revoked_at=None, delegator__is_active=True, delegate__is_active=True
    )


def speaks_for(user: User, model: RegisteredModel) -> list[User]:
    """Return for whom a person may review this model at this moment, by user name; whether it counts is not looked at.

    Only their own delegations: what was lent to somebody is not theirs to lend.
    """
    held = in_force().filter(Q(model=None) | Q(model=model), delegate=user)
    return list(User.objects.filter(pk__in=held.values("delegator")).order_by("username"))


def voice_of(by: User, request: ApprovalRequest, username: str) -> User:
    """Return for whom a review counts: `by`, or the person of this user name, who lent them their word.

    Raises RuleViolation without a delegation in force for the request's model; who exists is not told.
    """
    if username in ("", by.get_username()):
        return by
    found = next((person for person in speaks_for(by, request.version.model) if person.username == username), None)
    if found is None:
        message = _(
            "No delegation in force lets you review this model for “%(person)s”. Review for yourself, or ask them to "
            "delegate to you."
        )
        raise RuleViolation(message % {"person": username}, field="on_behalf_of")
    return found
