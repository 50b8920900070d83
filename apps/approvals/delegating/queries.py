"""Reading delegations: a person's own, all of them for those who manage people. Constant query counts."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.delegating.voices import in_force
from apps.approvals.models import ApprovalRequest, BarredReviewer, Delegation
from apps.approvals.queue import queries as queue
from apps.errors import NotVisible
from apps.registry.queries import visible_models

MOST_SHOWN = 50
SHOWN = ("to_stage", "alias", "submitted_at", "requester__username", "requester__first_name", "requester__last_name",
         "requester__is_service",
         "version__number", "version__model__name", "version__model__connection")  # fmt: skip


def visible_delegations(user: Any) -> QuerySet[Delegation]:
    """The delegations that `user` gave or holds, all for who manages people, newest first; on models that they see.

    Through a token that is limited to models, none that is for every model.
    """
    of_models = Q(model__in=visible_models(user))
    rows = Delegation.objects.filter(of_models if user.is_limited else Q(model=None) | of_models)
    if not grants.allows(user, Permission.PEOPLE_MANAGE):
        rows = rows.filter(Q(delegator=user) | Q(delegate=user))
    return rows.select_related("delegator", "delegate", "model").order_by("-id")


def of_person(rows: QuerySet[Delegation], username: str) -> QuerySet[Delegation]:
    """Those that this person gave or holds."""
    return rows.filter(Q(delegator__username=username) | Q(delegate__username=username))


def current(rows: QuerySet[Delegation]) -> QuerySet[Delegation]:
    """Those that hold now, or will."""
    return rows.filter(revoked_at=None, ends_at__gt=timezone.now())


def ended(rows: QuerySet[Delegation]) -> QuerySet[Delegation]:
    """Those that are over, or were revoked."""
    return rows.filter(Q(revoked_at__isnull=False) | Q(ends_at__lte=timezone.now()))


def waiting_for_others(user: Any) -> list[tuple[User, list[ApprovalRequest]]]:
    """The requests that `user` can bring further for each person who delegated to them, oldest first, the first 50.

    A help to find them: whether the review counts is decided when it is given.
    """
    found = []
    for delegator in speakers_through(user):
        rows = queue.waiting_for(delegator).filter(version__model__in=visible_models(user)).exclude(requester=user)
        rows = rows.filter(Exists(_lent_by(delegator, user)))
        barred = BarredReviewer.objects.filter(request=OuterRef("pk"), username=user.get_username())
        rows = rows.exclude(Exists(barred)).select_related("version__model", "requester").only(*SHOWN)
        found.append((delegator, list(rows[:MOST_SHOWN])))
    return [(delegator, rows) for delegator, rows in found if rows]


def speakers_through(user: Any) -> list[User]:
    """Return for whom `user` may review something at this moment, by user name."""
    held = in_force().filter(delegate=user)
    return list(User.objects.filter(pk__in=held.values("delegator")).order_by("username"))


def _lent_by(delegator: User, user: Any) -> QuerySet[Delegation]:
    lent = in_force().filter(delegator=delegator, delegate=user)
    return lent.filter(Q(model=None) | Q(model=OuterRef("version__model")))


def get_delegation(user: Any, number: int) -> Delegation:
    """One delegation. Raises NotVisible."""
    found = visible_delegations(user).filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no delegation %(number)s, or you may not see it.") % {"number": number})
    return found
