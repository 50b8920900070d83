"""What admins do with a campaign that runs: reassign its items, end it early, cancel it."""

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import chains, grants
from apps.accounts.access_reviews import owners, queries
from apps.accounts.access_reviews.deciding import Result, each
from apps.accounts.access_reviews.records import (
    KIND,
    about,
    item_target,
    kept,
    locked,
    locked_review,
)
from apps.accounts.managing import managing, needs_reason
from apps.accounts.models import AccessReview, AccessReviewItem, Answers, Decision, ReviewState, User
from apps.accounts.permissions import Permission
from apps.accounts.queries import needs_people_manage
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, InvalidInput, RuleViolation, WrongState


def reassign(number: int, person: User | None, *, by: User, reason: str) -> AccessReviewItem:
    """Have somebody else answer for an item; None: any admin.

    Raises NotAllowed, NotVisible, InvalidInput (person, reason), WrongState when there is nothing to answer any more,
    Conflict when they do already, RuleViolation when they hold the grant and somebody else could answer.
    """
    target = Target(KIND, f"item {number}")
    with managing(Action.ACCESS_REVIEW_REASSIGNED, by=by, target=target, person=person) as trial:
        item = locked(queries.get_item(by, number))
        trial.target, trial.data = item_target(item), about(item)
        needs_reason(reason)
        if item.decision != Decision.PENDING or item.review.is_over(timezone.now()):
            raise WrongState(_("There is nothing to answer any more: it is decided, or the review is over."))
        if item.owner_id == (person.pk if person else None):
            raise Conflict(_("This is so already."), field="person")
        if person:
            _check_person(item, person)
        before = {"owner": item.owner.get_username() if item.owner else None}
        item.owner, item.answers = person, Answers.REASSIGNED if person else Answers.ADMIN
        item.save(update_fields=["owner", "answers"])
        trial.done(reason=kept(reason), before=before, after={"owner": person.get_username() if person else None})
    return item


def reassign_several(
    numbers: Iterable[int], person: User | None, *, by: User, reason: str, review: int | None = None
) -> list[Result]:
    """Reassign several items, each for itself. Raises NotAllowed, InvalidInput (items, reason)."""
    needs_people_manage(by)
    needs_reason(reason)
    return each(numbers, lambda number: reassign(number, person, by=by, reason=reason), by=by, review=review)


def end_early(number: int, *, by: User, reason: str, seen: int | None = None) -> AccessReview:
    """End a campaign now: what is unanswered lapses as when it is due. `seen`: how many unanswered ones one saw.

    Raises NotAllowed, NotVisible, InvalidInput (reason), WrongState, RuleViolation where `by` does not see all that is
    unanswered, Conflict when another number is now.
    """
    target = Target(KIND, f"access review {number}")
    with managing(Action.ACCESS_REVIEW_CUT_SHORT, by=by, target=target) as trial:
        review = _running(number, by)
        needs_reason(reason)
        pending = _pending_seen(review, by)
        if seen is not None and seen != pending:
            raise Conflict(
                _("Some were answered meanwhile. Look again at what would lapse, then end it."), field="seen"
            )
        before = {"ends_at": review.due_at.isoformat()}
        review.ending_at, review.ending_by, review.ending_reason = timezone.now(), by.get_username(), kept(reason)
        review.save(update_fields=["ending_at", "ending_by", "ending_reason"])
        after = {"ends_at": review.ending_at.isoformat()}
        trial.done(reason=review.ending_reason, review=review.pk, pending=pending, before=before, after=after)
    return review


def cancel(number: int, *, by: User, reason: str) -> AccessReview:
    """Break a campaign off: what is unanswered stays as it was, what was decided stays decided.

    Raises NotAllowed, NotVisible, InvalidInput (reason), WrongState, RuleViolation where `by` does not see all that is
    unanswered.
    """
    target = Target(KIND, f"access review {number}")
    with managing(Action.ACCESS_REVIEW_CANCELLED, by=by, target=target) as trial:
        review = _running(number, by)
        needs_reason(reason)
        _pending_seen(review, by)
        now, name = timezone.now(), by.get_username()
        left = AccessReviewItem.objects.filter(review=review, decision=Decision.PENDING)
        dropped = left.update(decision=Decision.CANCELLED, decided_by=name, decided_at=now, reason=kept(reason))
        close(review, ReviewState.CANCELLED, by=name, reason=reason)
        states = {"before": {"state": ReviewState.OPEN.value}, "after": {"state": ReviewState.CANCELLED.value}}
        trial.done(reason=review.closed_reason, review=review.pk, unanswered=dropped, **states)
    return review


def close(review: AccessReview, state: ReviewState, *, by: str, reason: str = "") -> None:
    """Write that a campaign is over, in the caller's transaction."""
    review.state, review.closed_at, review.closed_by, review.closed_reason = state, timezone.now(), by, kept(reason)
    review.remind_at = None
    review.save(update_fields=["state", "closed_at", "closed_by", "closed_reason", "remind_at"])


def _running(number: int, by: User) -> AccessReview:
    """Return a campaign that can still be answered, locked. Raises NotVisible, WrongState."""
    review = locked_review(queries.get_review(by, number).pk)
    if review.is_over(timezone.now()):
        raise WrongState(_("This review is over already. There is nothing left to end."))
    return review


def _pending_seen(review: AccessReview, by: User) -> int:
    """Return how many are unanswered. Raises RuleViolation where `by` does not see them all: nobody ends those."""
    seen = queries.progress([review], by)[review.pk]
    if queries.hides_pending(review, seen):
        raise RuleViolation(
            _(
                "Some unanswered grants of this review are on models that you may not see, and you would end them "
                "unseen. Ask an admin who sees all models to do it, or let the last day pass."
            )
        )
    return seen.pending


def _check_person(item: AccessReviewItem, person: User) -> None:
    if not person.is_active or person.is_service:
        raise InvalidInput(_("Name a person who can sign in: no service account, nobody deactivated."), field="person")
    if item.model_id and not _sees(person, item.model_id):
        message = _("%(person)s may not see the model that this grant is on. Name somebody who does.")
        raise InvalidInput(message % {"person": person.get_username()}, field="person")
    if item.first_by_id == person.pk:
        message = _("%(person)s confirmed it already, and somebody else has to confirm it too. Name another admin.")
        raise RuleViolation(message % {"person": person.get_username()}, field="person")
    holds = owners.holders_of(item).filter(pk=person.pk).exists()
    if holds and owners.free_admins(item).exists():
        message = _("%(person)s holds this grant, so somebody else answers for it. Name somebody who does not.")
        raise RuleViolation(message % {"person": person.get_username()}, field="person")


def _sees(person: User, model: int) -> bool:
    found = chains.all_models().filter(pk=model).first()
    return found is not None and grants.holders(Permission.MODEL_READ, found).filter(pk=person.pk).exists()
