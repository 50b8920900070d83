"""Reading delegations: a person's own, all of them for those who manage people. Constant query counts."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.approvals.models import Delegation
from apps.errors import NotVisible
from apps.registry.queries import visible_models


def visible_delegations(user: Any) -> QuerySet[Delegation]:
    """The delegations that `user` gave or holds, all for who manages people, newest first; on models that they see."""
    rows = Delegation.objects.filter(Q(model=None) | Q(model__in=visible_models(user)))
    if not grants.allows(user, Permission.PEOPLE_MANAGE):
        rows = rows.filter(Q(delegator=user) | Q(delegate=user))
    return rows.select_related("delegator", "delegate", "model").order_by("-id")


def current(rows: QuerySet[Delegation]) -> QuerySet[Delegation]:
    """Those that hold now, or will."""
    return rows.filter(revoked_at=None, ends_at__gt=timezone.now())


def ended(rows: QuerySet[Delegation]) -> QuerySet[Delegation]:
    """Those that are over, or were revoked."""
    return rows.filter(Q(revoked_at__isnull=False) | Q(ends_at__lte=timezone.now()))


def get_delegation(user: Any, number: int) -> Delegation:
    """One delegation. Raises NotVisible."""
    found = visible_delegations(user).filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no delegation %(number)s, or you may not see it.") % {"number": number})
    return found
