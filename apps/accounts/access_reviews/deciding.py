"""Deciding on the grants of a campaign, one transaction each: confirmed or removed by whoever answers for it.

Nobody decides on a grant that they hold while somebody else could. Where every admin holds it, two of them confirm it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import giving, granting, grants
from apps.accounts.access_reviews import owners, queries
from apps.accounts.access_reviews.records import KIND, about, item_target, kept, locked, settle
from apps.accounts.managing import in_line, manages_people, needs_reason
from apps.accounts.models import AccessReviewItem, Answers, Decision, User
from apps.audit.access.parts import tell_refused
from apps.audit.actions import Action
from apps.audit.services import Attempt, Target, attempt
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, RuleViolation, WrongState

AT_ONCE = 200  # items that one call decides on
NAMED = 3  # admins whom a refusal names


class Verdict(StrEnum):
    """What somebody says of a grant."""

    CONFIRM = "confirm"
    REMOVE = "remove"


ACTIONS = {Verdict.CONFIRM: Action.ACCESS_REVIEW_CONFIRMED, Verdict.REMOVE: Action.ACCESS_REVIEW_REMOVED}


@dataclass(frozen=True)
class Result:
    """What became of one item of several: `error` says why it was refused, None: it was done."""

    number: int
    item: AccessReviewItem | None
    error: DomainError | None = None


def decide(number: int, verdict: Verdict | str, *, by: User, reason: str = "") -> AccessReviewItem:
    """Confirm the grant of an item, or take it back.

    Raises NotVisible, NotAllowed when somebody else answers for it, InvalidInput (verdict; reason, to remove one),
    WrongState when it is decided or the time is over, Conflict when the grant has ended, RuleViolation when `by` holds
    it and another could answer, when a guard objects, or when nobody could manage people any more.
    """
    verdict = _checked(verdict)
    queries.get_item(by, number)  # before anything is locked or recorded: numbers out of sight cost one question each
    target = Target(KIND, f"item {number}")
    with attempt(ACTIONS[verdict], by=grants.actor(by), target=target) as trial:
        in_line(by.pk)
        item = locked(queries.get_item(by, number))
        trial.target, trial.data = item_target(item), about(item)
        _check_voice(item, by)
        _check_open(item)
        if verdict is Verdict.REMOVE:
            needs_reason(reason)
        granting.lock()
        alone = _check_own(item, by, verdict)
        if verdict is Verdict.REMOVE:
            _remove(item, trial, by, reason)
        elif alone:
            trial.done(reason=kept(reason), **settle(item, Decision.CONFIRMED, by=by.get_username(), reason=reason))
        else:
            _note_first(item, trial, by, reason)
    return item


def decide_several(
    numbers: Iterable[int], verdict: Verdict | str, *, by: User, reason: str = "", review: int | None = None
) -> list[Result]:
    """Decide on several items, each for itself: what is refused does not hold up the others.

    `review`: they all are of this campaign. Raises InvalidInput (items, verdict; reason, to remove some).
    """
    verdict = _checked(verdict)
    if verdict is Verdict.REMOVE:
        needs_reason(reason)
    return each(numbers, lambda number: decide(number, verdict, by=by, reason=reason), by=by, review=review)


def each(
    numbers: Iterable[int], deed: Callable[[int], AccessReviewItem], *, by: User, review: int | None = None
) -> list[Result]:
    """Do something with several items, each for itself. Raises InvalidInput (field "items")."""
    numbers = list(dict.fromkeys(numbers))
    if not 0 < len(numbers) <= AT_ONCE:
        raise InvalidInput(_("Choose 1 to %(most)d grants.") % {"most": AT_ONCE}, field="items")
    results = []
    for number in numbers:
        try:
            queries.get_item(by, number, review)
            results.append(Result(number, deed(number)))
        except DomainError as error:
            tell_refused("item", number, error.status)
            results.append(Result(number, None, error))
    return results


def refusals(results: Iterable[Result]) -> dict[int, str]:
    """Return why items were refused, by their number."""
    return {result.number: result.error.message for result in results if result.error}


def status_of(results: Iterable[Result]) -> int:
    """Return the status of an answer about several items: that of the first refusal."""
    return next((result.error.status for result in results if result.error), 200)


def _checked(verdict: Verdict | str) -> Verdict:
    if verdict not in list(Verdict):
        raise InvalidInput(_("Choose confirm or remove."), field="decision")
    return Verdict(verdict)


def _check_voice(item: AccessReviewItem, by: User) -> None:
    """Refuse whoever does not answer for an item; what nobody answers for any more, any admin does."""
    vacant = AccessReviewItem.objects.filter(owners.vacant(), pk=item.pk).exists()
    if item.owner is not None and not vacant and item.owner_id != by.pk:
        message = _("%(person)s answers for this grant. Ask them, or reassign it.")
        raise NotAllowed(message % {"person": item.owner.get_username()})
    if (vacant or item.answers == Answers.GIVER) and not manages_people(by):
        raise NotAllowed(_("An admin answers for this grant. Ask one to do this."))


def _check_open(item: AccessReviewItem) -> None:
    if item.decision != Decision.PENDING:
        words = {"decision": Decision(item.decision).label, "person": item.decided_by}
        raise WrongState(_("This is decided already: %(decision)s, by %(person)s. It stays so.") % words)
    if item.review.is_over(timezone.now()):
        raise WrongState(_("The time of this review is over. Nothing can be decided in it any more."))
    if item.grant is None or not item.grant.in_force:
        raise Conflict(_("This grant has ended meanwhile. There is nothing to decide."))


def _check_own(item: AccessReviewItem, by: User, verdict: Verdict) -> bool:
    """Return whether `by` confirms it without a second person. Raises RuleViolation where somebody else could answer.

    Everybody else who changes people waits meanwhile, so nobody joins the group in this moment.
    """
    if not owners.holders_of(item).filter(pk=by.pk).exists():
        return True
    others = list(owners.free_admins(item).order_by("username").values_list("username", flat=True)[:NAMED])
    if others:
        message = _("You hold this grant yourself, so somebody else decides on it: %(people)s. Have it reassigned.")
        raise RuleViolation(message % {"people": ", ".join(others)})
    if verdict is Verdict.CONFIRM and item.first_by_id == by.pk:
        raise RuleViolation(_("You confirmed it already. As every admin holds it, a second one has to confirm it too."))
    if item.first_by_id is not None and not manages_people(by):
        raise NotAllowed(_("An admin has to confirm it as the second. Ask one to do this."))
    return item.first_by_id is not None


def _remove(item: AccessReviewItem, trial: Attempt, by: User, reason: str) -> None:
    assert item.grant is not None  # noqa: S101 - checked above
    actor = grants.actor(by)
    giving.end_reviewed(item.grant, by=by, actor=actor, reason=reason, review=item.review_id)
    trial.done(reason=kept(reason), **settle(item, Decision.REMOVED, by=by.get_username(), reason=reason))


def _note_first(item: AccessReviewItem, trial: Attempt, by: User, reason: str) -> None:
    """Note the first of two who confirm a grant that every admin holds: it waits for another admin."""
    trial.action = Action.ACCESS_REVIEW_HALF_CONFIRMED
    item.first_by, item.owner, item.answers = by, None, Answers.ADMIN
    item.save(update_fields=["first_by", "owner", "answers"])
    after = {"decision": item.decision, "confirmed_by": by.get_username()}
    trial.done(reason=kept(reason), before={"decision": item.decision, "confirmed_by": None}, after=after)
