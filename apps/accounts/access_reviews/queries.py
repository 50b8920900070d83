"""Reading campaigns and their items. Admins see all, others what they answer for; nobody what is on a hidden model."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, When
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import chains, grants
from apps.accounts.access_reviews.owners import own_groups, vacant
from apps.accounts.access_reviews.records import SYSTEM
from apps.accounts.models import AccessReview, AccessReviewItem, Decision, Grant, ReviewState, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import role_label
from apps.errors import NotVisible

LARGEST_ID = 2**63 - 1
NAMED = 50  # of those who answer


@dataclass(frozen=True)
class Progress:
    """How far a campaign is: how many of its items, and what became of them."""

    total: int
    by_decision: dict[str, int]

    @property
    def pending(self) -> int:
        """How many nobody has decided on."""
        return self.by_decision.get(Decision.PENDING, 0)

    @property
    def answered(self) -> int:
        """How many are decided."""
        return self.total - self.pending

    @property
    def parts(self) -> list[tuple[str, str, int]]:
        """Decision, its label, and how many, without those that there are none of."""
        found = [(kind, self.by_decision.get(kind.value, 0)) for kind in Decision]
        return [(kind.value, str(kind.label), number) for kind, number in found if number]


@dataclass(frozen=True)
class Line:
    """An item as pages show it. `own`: whoever looks holds the grant; `vacant`: its owner does not answer any more."""

    item: AccessReviewItem
    own: bool = False
    refusal: str = ""
    vacant: bool = False

    @property
    def role(self) -> str:
        """What the role is called."""
        return role_label(self.item.role)

    @property
    def decided_by(self) -> str:
        """Who decided, or that nobody did; nothing where the reason alone says it."""
        if self.item.decision in (Decision.LAPSED, Decision.KEPT):
            return _("nobody answered in time")
        return "" if self.item.decided_by == SYSTEM.name else self.item.decided_by

    @property
    def gone(self) -> bool:
        """Whether there is nothing to decide on any more, although nobody has noted it yet."""
        return self.item.decision == Decision.PENDING and (self.item.grant is None or not self.item.grant.in_force)


def visible_items(by: User) -> QuerySet[AccessReviewItem]:
    """Return the items that somebody may know of, without an order."""
    rows = AccessReviewItem.objects.all()
    if not grants.allows(by, Permission.PEOPLE_MANAGE):
        rows = rows.filter(~vacant(), owner=by)
    if grants.allows(by, Permission.MODEL_READ):
        return rows
    seen = Q(model_id__in=chains.visible_models(by).order_by().values("pk"))
    return rows.filter(seen if by.is_limited else seen | Q(model_id=0))


def visible_reviews(by: User) -> QuerySet[AccessReview]:
    """Return the campaigns that somebody may know of, without an order."""
    if grants.allows(by, Permission.PEOPLE_MANAGE):
        return AccessReview.objects.all()
    return AccessReview.objects.filter(Exists(visible_items(by).filter(review=OuterRef("pk"))))


def get_review(by: User, number: int) -> AccessReview:
    """Return one campaign. Raises NotVisible."""
    found = visible_reviews(by).filter(pk=number).first() if 0 < number <= LARGEST_ID else None
    if found is None:
        message = _("There is no access review %(number)s, or nothing in it is yours to answer for.")
        raise NotVisible(message % {"number": number})
    return found


def get_item(by: User, number: int, review: int | None = None) -> AccessReviewItem:
    """Return one item, perhaps only where it is of this campaign. Raises NotVisible."""
    rows = visible_items(by) if review is None else visible_items(by).filter(review=review)
    found = rows.filter(pk=number).first() if 0 < number <= LARGEST_ID else None
    if found is None:
        raise NotVisible(_("There is no item %(number)s, or it is not yours to answer for.") % {"number": number})
    return found


def items_of(by: User, review: AccessReview, *, decision: str = "", owner: str = "") -> QuerySet[AccessReviewItem]:
    """Return the items of a campaign that somebody sees, in their order, perhaps only some. `owner`: a user name."""
    rows = with_people(visible_items(by).filter(review=review))
    if decision:
        rows = rows.filter(decision=decision)
    if owner:
        rows = rows.filter(owner__username=owner)
    return rows.order_by("pk")


def waiting_for(by: User) -> QuerySet[AccessReviewItem]:
    """Return what waits for somebody's answer, in order: what they answer for; for admins also what any admin may."""
    now = timezone.now()
    mine = Q(owner=by) & ~vacant()
    if grants.allows(by, Permission.PEOPLE_MANAGE):
        mine |= vacant()
    running = Q(review__state=ReviewState.OPEN, review__ending_at=None, review__due_at__gt=now)
    rows = visible_items(by).filter(mine, running, decision=Decision.PENDING)
    # Whoever confirmed as one of two waits for the other.
    return with_people(rows.exclude(first_by=by)).order_by("pk")


def with_people(rows: QuerySet[AccessReviewItem]) -> QuerySet[AccessReviewItem]:
    """Return items with what pages show of them, in the same query."""
    return rows.select_related("review", "grant", "owner", "first_by")


def with_answerers(rows: QuerySet[AccessReviewItem]) -> QuerySet[AccessReviewItem]:
    """Return items that say by `vacant` whether nobody in particular answers for them, while nobody has."""
    return rows.annotate(vacant=Case(When(vacant(), decision=Decision.PENDING, then=True), default=False))


def lines(by: User, items: list[AccessReviewItem], refusals: dict[int, str] | None = None) -> list[Line]:
    """Return items as pages show them to `by`. Two queries."""
    groups, unowned = own_groups(by) if items else frozenset(), _vacant(items)
    why = refusals or {}
    return [Line(item, _held(item.grant, by, groups), why.get(item.pk, ""), item.pk in unowned) for item in items]


def progress(reviews: list[AccessReview], by: User) -> dict[int, Progress]:
    """Return how far campaigns are, as far as somebody sees their items, by key. One query."""
    found: dict[int, dict[str, int]] = {review.pk: {} for review in reviews}
    rows = visible_items(by).filter(review__in=list(found)).order_by()
    for review, decision, number in rows.values_list("review", "decision").annotate(Count("pk")):
        found[review][decision] = number
    return {key: Progress(sum(counts.values()), counts) for key, counts in found.items()}


def hides_pending(review: AccessReview, seen: Progress) -> bool:
    """Return whether more is unanswered in a campaign than somebody sees, as `seen` says how far it is for them."""
    return AccessReviewItem.objects.filter(review=review, decision=Decision.PENDING).count() > seen.pending


def by_owner(review: AccessReview, by: User) -> tuple[list[tuple[str, int, int]], int]:
    """Return who answers for how much of a campaign, and how much of that is open; and how many people there are more.

    "" stands for any admin and comes first, then the people with the most open.
    """
    rows = visible_items(by).filter(review=review).order_by()
    pending = Count("pk", filter=Q(decision=Decision.PENDING))
    counted = rows.values_list("owner__username").annotate(total=Count("pk"), pending=pending)
    found = [(name or "", total, left) for name, total, left in counted]
    found.sort(key=lambda row: (row[0] != "", -row[2], row[0]))
    return found[:NAMED], max(len(found) - NAMED, 0)


def page(rows: QuerySet[Any], after: int | None, size: int) -> tuple[list[Any], int | None]:
    """Return the rows after the number `after`, and the number to go on from, None at the end."""
    found = list((rows.filter(pk__gt=after) if after else rows)[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None


def newest_first(rows: QuerySet[AccessReview], before: int | None, size: int) -> tuple[list[AccessReview], int | None]:
    """Return the campaigns before the number `before`, newest first, and the number to go on from."""
    found = list((rows.filter(pk__lt=before) if before else rows).order_by("-pk")[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None


def manages(by: User) -> bool:
    """Return whether somebody opens and steers campaigns."""
    return grants.allows(by, Permission.PEOPLE_MANAGE)


def is_running(review: AccessReview) -> bool:
    """Return whether a campaign can still be answered."""
    return not review.is_over(timezone.now())


def over(now: datetime) -> Q:
    """Return the condition on an open campaign that nobody answers any more."""
    return Q(state=ReviewState.OPEN) & (Q(due_at__lte=now) | Q(ending_at__isnull=False))


def _vacant(items: list[AccessReviewItem]) -> set[int]:
    """Return which of the unanswered items have an owner who does not answer any more."""
    asked = [item.pk for item in items if item.decision == Decision.PENDING and item.owner_id is not None]
    return set(AccessReviewItem.objects.filter(vacant(), pk__in=asked).values_list("pk", flat=True))


def _held(grant: Grant | None, by: User, groups: frozenset[int]) -> bool:
    return grant is not None and (grant.person_id == by.pk or grant.group_id in groups)
