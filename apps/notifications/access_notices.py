"""Who is told of access reviews: whoever answers for a grant, and the admins of what needs them."""

from collections.abc import Iterable

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext_noop as noop

from apps.accounts import grants
from apps.accounts.access_reviews.owners import vacant
from apps.accounts.models import AccessReview, AccessReviewItem, Decision
from apps.accounts.permissions import Permission
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.notifications.audiences import Message, tells
from apps.notifications.models import Kind

TO_OWNERS = {
    Action.ACCESS_REVIEW_OPENED: noop("Grants wait for your answer until %(due)s: %(name)s (%(count)d)"),
    Action.ACCESS_REVIEW_REMINDED: noop(
        "Grants still wait for your answer, and lapse after %(due)s: %(name)s (%(count)d)"
    ),
}
TO_ADMINS = {
    Action.ACCESS_REVIEW_KEPT: noop("Nobody confirmed %(grant)s, and it was kept: the review says why"),
    Action.ACCESS_REVIEW_CLOSED: noop("The access review is closed: %(name)s"),
    Action.ACCESS_REVIEW_CANCELLED: noop("%(actor)s cancelled the access review %(name)s"),
    Action.ACCESS_REVIEW_CUT_SHORT: noop("%(actor)s ended the access review %(name)s early"),
}


@tells(*TO_OWNERS)
def of_grants_to_review(event: AuditEvent) -> Iterable[Message]:
    """Tell whoever answers for a grant how many wait; of those that any admin may answer, every admin."""
    review = _review(event)
    if review is None:
        return
    pending = AccessReviewItem.objects.filter(review=review, decision=Decision.PENDING).order_by()
    counts = dict(pending.filter(~vacant()).values_list("owner").annotate(Count("pk")))
    anybodys = pending.filter(vacant()).count()
    if anybodys:
        for admin in grants.holders(Permission.PEOPLE_MANAGE).values_list("pk", flat=True):
            counts[admin] = counts.get(admin, 0) + anybodys
    text, url = TO_OWNERS[Action(event.action)], reverse("accounts:access-to-review")
    said = {"name": review.name, "due": f"{review.last_day:%Y-%m-%d}"}
    for person, count in counts.items():
        yield Message(person, text, url, Kind.ACCESS, {"count": count, **said})


@tells(Action.ACCESS_REVIEW_REASSIGNED)
def of_a_reassigned_grant(event: AuditEvent) -> Iterable[Message]:
    """Tell whoever answers for it now."""
    item = AccessReviewItem.objects.filter(pk=event.data.get("item")).first()
    if item is None or item.owner_id is None or item.decision != Decision.PENDING:
        return []
    text = noop("%(actor)s asks you whether a grant is still wanted: %(grant)s")
    values = {"actor": event.actor, "grant": str(item)}
    return [Message(item.owner_id, text, reverse("accounts:access-to-review"), Kind.ACCESS, values)]


@tells(Action.ACCESS_REVIEW_HALF_CONFIRMED)
def of_a_half_confirmed_grant(event: AuditEvent) -> Iterable[Message]:
    """Tell the admins that a second one of them is needed."""
    text = noop("%(actor)s confirmed %(grant)s, which every admin holds: a second admin has to confirm it too")
    return _to_admins(event, text, "accounts:access-to-review")


@tells(*TO_ADMINS)
def of_campaigns(event: AuditEvent) -> Iterable[Message]:
    """Tell the admins how a campaign ends, and what it could not end."""
    review = _review(event)
    return _to_admins(event, TO_ADMINS[Action(event.action)], "accounts:access-review", review) if review else []


def _to_admins(event: AuditEvent, text: str, route: str, review: AccessReview | None = None) -> list[Message]:
    said = {"actor": event.actor, "name": review.name if review else ""}
    if grant := event.data.get("grant"):
        said["grant"] = f"{grant['holder']}: {grant['role']} ({grant['on']})"
    url = reverse(route, args=[review.pk] if review else [])
    people = grants.holders(Permission.PEOPLE_MANAGE).values_list("pk", flat=True)
    return [Message(person, text, url, Kind.ACCESS, said) for person in people]


def _review(event: AuditEvent) -> AccessReview | None:
    return AccessReview.objects.filter(pk=event.data.get("review")).first()
