"""What happens to campaigns by themselves: reminders, the lapse of what nobody answered, and the end.

Beat rings `tend`. Each item is a transaction of its own that looks anew whether there is something to do: rung twice,
at the same time, or killed in the middle, nothing is done twice and nothing is left out.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import giving, granting
from apps.accounts.access_reviews import queries
from apps.accounts.access_reviews.opening import next_reminder
from apps.accounts.access_reviews.records import (
    SYSTEM,
    about,
    item_target,
    locked,
    locked_review,
    review_target,
    settle,
)
from apps.accounts.access_reviews.steering import close
from apps.accounts.managing import in_line
from apps.accounts.models import AccessReview, AccessReviewItem, Decision, ReviewState, User
from apps.audit.actions import Action
from apps.audit.services import record
from apps.errors import RuleViolation
from apps.jobs.ringing import Over, each_in_time, over_after

logger = logging.getLogger(__name__)
SECONDS = 20  # that one ring takes: beat rings twice a minute


def tend(over: Over | None = None) -> int:
    """Do what has come due, and return how much that was; `over`: whether this ring has taken its time.

    What breaks does not stop the rest, and what is left when the ring is over waits for the next one. Each timer does
    something at every ring.
    """
    handled, over = 0, over or over_after(SECONDS)
    for timer in TIMERS:
        try:
            handled += timer(over)
        except Exception:
            logger.exception("the timer %s of access reviews broke", timer.__name__)
    return handled


def note_ended(over: Over) -> int:
    """Close the items whose grant has ended by itself, or by hand, or was deleted with its holder."""
    gone = Q(grant=None) | Q(grant__ended_at__isnull=False) | Q(grant__until__lte=timezone.now())
    return each_in_time(_pending(Q(review__state=ReviewState.OPEN)).filter(gone), _note_ended, over)


def lapse(over: Over) -> int:
    """End the grants that nobody confirmed while there was time."""
    ended = AccessReview.objects.filter(queries.over(timezone.now()))
    return each_in_time(_pending(Q(review__in=list(ended.values_list("pk", flat=True)))), _lapse, over)


def finish(over: Over) -> int:
    """Close the campaigns in which nothing is left to answer."""
    left = AccessReviewItem.objects.filter(decision=Decision.PENDING, review__state=ReviewState.OPEN)
    running = AccessReview.objects.filter(state=ReviewState.OPEN)
    return each_in_time(running.exclude(pk__in=left.values("review")), _finish, over)


def remind(over: Over) -> int:
    """Remind those who have not answered, a week and a day before it is due."""
    due = AccessReview.objects.filter(state=ReviewState.OPEN, remind_at__lte=timezone.now())
    return each_in_time(due, _remind, over)


def _pending(which: Q) -> QuerySet[AccessReviewItem]:
    return AccessReviewItem.objects.filter(which, decision=Decision.PENDING)


def _note_ended(number: int) -> bool:
    item = locked(number)
    if item.decision != Decision.PENDING or (item.grant is not None and item.grant.in_force):
        return False
    _end(item)
    return True


def _end(item: AccessReviewItem) -> None:
    """Note that there is nothing left to decide on."""
    grant = item.grant
    by = (grant.ended_by if grant else "") or SYSTEM.name
    reason = (grant.ended_reason or _("Its last day is over.")) if grant else _("Its holder is not there any more.")
    states = settle(item, Decision.ENDED, by=by, reason=reason)
    record(Action.ACCESS_REVIEW_ENDED, by=SYSTEM, target=item_target(item), reason=reason, **about(item), **states)


def _lapse(number: int) -> bool:
    known = _behind(AccessReviewItem.objects.select_related("review", "owner").get(pk=number))
    in_line(*(person.pk for person in known))
    item = locked(number)
    if item.decision != Decision.PENDING or not item.review.is_over(timezone.now()):
        return False
    behind = _behind(item)
    if not set(behind) <= set(known):
        return False  # it was reassigned in this moment, to somebody who is not locked: the next ring ends it
    granting.lock()
    if item.grant is None or not item.grant.in_force:
        _end(item)
        return True
    reason = _("Nobody confirmed it in the access review “%(name)s”.") % {"name": item.review.name}
    end: dict[str, Any] = {"by": None, "actor": SYSTEM, "reason": reason, "review": item.review_id}
    try:
        with transaction.atomic():  # undone where a guard objects, or nobody could manage people afterwards
            giving.end_reviewed(item.grant, behind=behind, **end)
    except RuleViolation as error:
        _settle(item, Action.ACCESS_REVIEW_KEPT, Decision.KEPT, error.message)
    else:
        _settle(item, Action.ACCESS_REVIEW_LAPSED, Decision.LAPSED, reason)
    return True


def _behind(item: AccessReviewItem) -> list[User]:
    """Return who brings a lapse about: who ended the campaign early, else who opened it, and who did not answer.

    Opening a narrow campaign, or not answering, is a way to end a grant: what they may not end does not lapse either.
    """
    review = item.review
    if review.ending_at is not None:
        return list(User.objects.filter(username=review.ending_by))
    people = User.objects.filter(Q(username=review.opened_by) | Q(pk=item.owner_id))
    return list(people.order_by("pk"))


def _settle(item: AccessReviewItem, action: Action, decision: Decision, reason: str) -> None:
    states = settle(item, decision, by=SYSTEM.name, reason=reason)
    record(action, by=SYSTEM, target=item_target(item), reason=reason, **about(item), **states)


def _finish(number: int) -> bool:
    review = locked_review(number)
    items = AccessReviewItem.objects.filter(review=review)
    if review.state != ReviewState.OPEN or items.filter(decision=Decision.PENDING).exists():
        return False
    counts = {kind.value: items.filter(decision=kind).count() for kind in Decision if kind != Decision.PENDING}
    close(review, ReviewState.CLOSED, by=review.ending_by or SYSTEM.name, reason=review.ending_reason)
    states: dict[str, Any] = {
        "before": {"state": ReviewState.OPEN.value},
        "after": {"state": ReviewState.CLOSED.value, **counts},
    }
    record(Action.ACCESS_REVIEW_CLOSED, by=SYSTEM, target=review_target(review), review=review.pk, **states)
    return True


def _remind(number: int) -> bool:
    review, now = locked_review(number), timezone.now()
    if review.is_over(now) or review.remind_at is None or review.remind_at > now:
        return False
    before, review.remind_at = review.remind_at, next_reminder(now, review.due_at)
    review.save(update_fields=["remind_at"])
    left = AccessReviewItem.objects.filter(review=review, decision=Decision.PENDING).count()
    moments = {"before": {"remind_at": before.isoformat()}, "after": {"remind_at": _moment(review)}}
    said: dict[str, Any] = {"review": review.pk, "pending": left, **moments}
    record(Action.ACCESS_REVIEW_REMINDED, by=SYSTEM, target=review_target(review), **said)
    return True


def _moment(review: AccessReview) -> str | None:
    return review.remind_at.isoformat() if review.remind_at else None


TIMERS: tuple[Callable[[Over], int], ...] = (note_ended, lapse, finish, remind)
