"""Give a delegation and revoke it: the delegator, or who manages people for somebody who is away. Both are recorded."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.guards import lock_people
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import signers
from apps.approvals.delegating.queries import get_delegation
from apps.approvals.models import Delegation
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.registry.models import RegisteredModel
from apps.registry.queries import visible_models
from apps.texts import text_from

MOST_DAYS = 180


def give(
    delegate: str,
    *,
    by: User,
    ends_at: datetime,
    starts_at: datetime | None = None,
    delegator: str = "",
    model: RegisteredModel | None = None,
    reason: str = "",
) -> Delegation:
    """Let `delegate` review for `delegator` (user names; empty: for `by`), on one model or on all, for a while.

    It lends what the delegator may review, and no more: what excludes either of them excludes the delegate too.
    Raises NotAllowed (for somebody else, without `people:manage`), NotVisible (the model), RuleViolation (nothing to
    lend; to oneself; a manager to themselves, or where a request of theirs is unfinished), InvalidInput (naming the
    field) and Conflict (is lent already).
    """
    target = Target("delegation", f"{delegator or by.get_username()} to {delegate}", model.pk if model else None)
    with audit.attempt(Action.DELEGATION_GIVEN, by=grants.actor(by, model), target=target) as trial:
        if model and not visible_models(by).filter(pk=model.pk, deleted_at=None).exists():
            trial.target.model_id = None
            raise NotVisible(_("There is no such model, or you may not see it."))
        if model is None and by.is_limited:
            raise NotAllowed(_("This token is limited to models. Name the one that you delegate."), field="model")
        lender = _lender(delegator, by)
        holder = _holder(delegate, lender, model, by=by)
        starts_at = starts_at or timezone.now()
        _check_times(starts_at, ends_at)
        _check_lends_something(lender, model)
        if lender.pk != by.pk:
            signers.check_voice(lender, model, by=by)
        _check_not_lent(lender, holder, model, starts_at, ends_at)
        reason = text_from(reason, field="reason", needed=lender.pk != by.pk)
        row = Delegation.objects.create(
            delegator=lender, delegate=holder, model=model, starts_at=starts_at, ends_at=ends_at, reason=reason
        )
        trial.target = Target("delegation", f"delegation {row.pk}", model.pk if model else None)
        trial.done(reason=reason, after=_terms(row))
    return row


def revoke(delegation_id: int, *, by: User, reason: str = "") -> Delegation:
    """End a delegation at once: whoever gave or holds it, or who manages people. Votes given under it count no more.

    Raises NotVisible, WrongState (over, or revoked already), RuleViolation (another's, which could speak on an
    unfinished request of `by`) and InvalidInput (no reason, where it is another's).
    """
    target = Target("delegation", f"delegation {delegation_id}")
    with audit.attempt(Action.DELEGATION_REVOKED, by=grants.actor(by), target=target) as trial:
        row = get_delegation(by, delegation_id)
        lock_people(by.pk)  # before what they asked for
        Delegation.objects.select_for_update().get(pk=row.pk)
        row.refresh_from_db(fields=["revoked_at", "ends_at"])
        trial.by, trial.target.model_id = grants.actor(by, row.model), row.model_id
        if row.revoked_at or row.ends_at <= timezone.now():
            raise WrongState(_("This delegation is over already. There is nothing to revoke."))
        of_others = by.pk not in (row.delegator_id, row.delegate_id)
        if of_others:
            signers.check_voice(row.delegator, row.model, by=by)
        reason = text_from(reason, field="reason", needed=of_others)
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        trial.done(reason=reason, before=_terms(row))
    return row


def _lender(username: str, by: User) -> User:
    """Return whose reviews are lent, locked with `by`: no two that overlap at once, and none while `by` asks."""
    if username and username != by.get_username() and not grants.allows(by, Permission.PEOPLE_MANAGE):
        raise NotAllowed(_("You delegate your own reviews. For somebody who is away, an admin does it."))
    name = username or by.get_username()
    people = User.objects.select_for_update(no_key=True).filter(username__in={name, by.get_username()}, is_active=True)
    found = next((person for person in people.order_by("pk") if person.username == name), None)
    if found is None:
        raise InvalidInput(_("There is no active person of this user name."), field="delegator")
    return found


def _holder(username: str, lender: User, model: RegisteredModel | None, *, by: User) -> User:
    if username == lender.get_username():
        raise RuleViolation(_("A delegation goes to somebody else. Choose another person."), field="delegate")
    if lender.pk != by.pk and username == by.get_username():
        message = _(
            "You cannot take over somebody's reviews yourself. Name another person, or let another admin do it."
        )
        raise RuleViolation(message, field="delegate")
    people = grants.holders(Permission.MODEL_READ, model) if model else User.objects.filter(is_active=True)
    found = people.filter(username=username).first()
    if found and found.is_service:
        raise RuleViolation(_("A service account reviews for nobody. Name a person."), field="delegate")
    if found is None:
        message = _("There is no active person of this user name who may read what they are to review.")
        raise InvalidInput(message, field="delegate")
    return found


def _check_times(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at or ends_at <= timezone.now():
        raise InvalidInput(_("The end is after the start, and not past. Choose a later day."), field="ends_at")
    if ends_at - starts_at > timedelta(days=MOST_DAYS):
        message = _("A delegation lasts %(most)s days at most. Choose an earlier end.") % {"most": MOST_DAYS}
        raise InvalidInput(message, field="ends_at")


def _check_lends_something(lender: User, model: RegisteredModel | None) -> None:
    review = frozenset({Permission.MODEL_REVIEW})
    held = (
        grants.allows(lender, Permission.MODEL_REVIEW, model)
        if model
        else grants.held_somewhere(lender, review, RegisteredModel)
    )
    if not held:
        message = _("%(person)s reviews nothing there, so there is nothing to delegate.")
        raise RuleViolation(message % {"person": lender}, field="model" if model else None)


def _check_not_lent(
    lender: User, holder: User, model: RegisteredModel | None, starts_at: datetime, ends_at: datetime
) -> None:
    same = Delegation.objects.filter(delegator=lender, delegate=holder, model=model, revoked_at=None)
    if number := same.filter(starts_at__lt=ends_at, ends_at__gt=starts_at).values_list("pk", flat=True).first():
        message = _("Delegation %(number)s lends the same at that time already. Revoke it first.")
        raise Conflict(message % {"number": number})


def _terms(row: Delegation) -> dict[str, str | None]:
    return {
        "delegator": row.delegator.get_username(),
        "delegate": row.delegate.get_username(),
        "model": row.model.reference if row.model else None,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }
