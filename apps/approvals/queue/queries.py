"""The tabs of the review queue as queries, and pages of them by place. The database matches requests and people.

Who could fill an open seat is kept beside each request (waiting.py); the vote itself decides anew.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.approvals.models import (
    UNDER_REVIEW,
    UNFINISHED,
    ApprovalRequest,
    BarredReviewer,
    OpenSeat,
    RequestState,
    Review,
)
from apps.registry import keyset
from apps.registry.keyset import Order, Slice
from apps.registry.queries import visible_models

ROWS = 50
MOST_COUNTED = 100  # a tab says "99+" rather than count thousands
LISTED = ("id", "kind", "state", "from_stage", "to_stage", "alias", "from_number", "reason", "headline", "tally",
          "bypassed", "created_at", "submitted_at", "expires_at", "apply_after", "closed_at",
          "requester__username", "requester__first_name", "requester__last_name", "requester__is_service",
          "policy__sign_with",
          "version__number", "version__model__name", "version__model__risk", "version__model__connection")  # fmt: skip


def waiting_for(user: Any) -> QuerySet[ApprovalRequest]:
    """The requests that an approval by `user` would bring further, oldest first: a seat is open, and none of theirs."""
    reviewed = Review.objects.filter(Q(reviewer=user) | Q(counts_for=user), request=OuterRef("pk"), standing=True)
    barred = BarredReviewer.objects.filter(request=OuterRef("pk"), username=user.get_username())
    return (
        _under_review(user, visible_models(user))
        .filter(Exists(_seats_of(user)))
        .exclude(requester=user)
        .exclude(Exists(reviewed))
        .exclude(Exists(barred))
        .order_by("id")
    )


def waiting_for_team(user: Any) -> QuerySet[ApprovalRequest]:
    """The requests that somebody in a group of `user` could bring further, oldest first: theirs to look after."""
    return _under_review(user, visible_models(user)).filter(Exists(_seats_of(user))).order_by("id")


def asked_by(user: Any) -> QuerySet[ApprovalRequest]:
    """The drafts and unfinished requests of `user` on models that they still see, newest first."""
    asked = ApprovalRequest.objects.filter(requester=user, state__in=(RequestState.DRAFT, *UNFINISHED))
    return asked.filter(version__model__in=visible_models(user)).order_by("-id")


def decided(user: Any) -> QuerySet[ApprovalRequest]:
    """The finished requests that `user` may see, the last decided first."""
    closed = ApprovalRequest.objects.filter(closed_at__isnull=False, version__model__in=visible_models(user))
    return closed.order_by("-closed_at", "-id")


def _under_review(user: Any, models: QuerySet) -> QuerySet[ApprovalRequest]:
    """Return what is under review on living models where `user` holds the reviewer's duty."""
    under_review = ApprovalRequest.objects.filter(state__in=UNDER_REVIEW)
    concerned = models.filter(deleted_at=None, pk__in=under_review.values("version__model"))  # a few of thousands
    reviewed = grants.visible_to(user, concerned, Permission.MODEL_REVIEW)
    return under_review.filter(version__deleted_at=None, version__model__in=reviewed)


def _seats_of(user: Any) -> QuerySet[OpenSeat]:
    """Return the open seats of a request that `user`, or somebody in one of their groups, could fill."""
    theirs = Q(group=None) | Q(group__in=user.groups.values("pk"))
    return OpenSeat.objects.filter(theirs, request=OuterRef("pk"))


TABS: dict[str, tuple[Callable[[Any], QuerySet[ApprovalRequest]], Order]] = {
    "waiting": (waiting_for, Order("id")),
    "team": (waiting_for_team, Order("id")),
    "mine": (asked_by, Order("id", descending=True)),
    "decided": (decided, Order("closed_at", descending=True)),
}


def page(user: Any, tab: str, cursor: str = "") -> Slice:
    """Return a page of a tab. Raises InvalidInput for a cursor of another list."""
    found, order = TABS[tab]
    return keyset.page(found(user).order_by(), order, ROWS, cursor, by_id=_rows)


def count(user: Any, tab: str) -> int:
    """Return how many requests a tab holds, `MOST_COUNTED` at most."""
    found, _order = TABS[tab]
    return found(user).order_by()[:MOST_COUNTED].count()


def _rows(ids: QuerySet, keys: list[str]) -> QuerySet[ApprovalRequest]:
    rows = ApprovalRequest.objects.filter(pk__in=ids).only(*LISTED).order_by(*keys)
    return rows.select_related("version__model__connection", "requester", "policy")
