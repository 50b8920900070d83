"""Setting conditions with an approval, meeting them, and revoking what is overdue."""

from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import advancing, visibility
from apps.approvals.models import (
    UNFINISHED,
    ApprovalRequest,
    Condition,
    RequestState,
    Review,
    Severity,
    Verdict,
)
from apps.approvals.records import about, request_target
from apps.approvals.reviewing import SYSTEM, dismiss
from apps.approvals.signing import ConditionTerms
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, InvalidInput, NotVisible, RuleViolation, WrongState
from apps.jobs.ringing import each
from apps.registry.queries import visible_models
from apps.texts import text_from

MOST = 20  # conditions of one approval
WATCHED = (*UNFINISHED, RequestState.APPLIED)  # states in which an overdue condition matters


def attach(review: Review, terms: tuple[ConditionTerms, ...]) -> list[Condition]:
    """Write the conditions of an approval, in the caller's transaction.

    Raises InvalidInput: no approval, too many, a text that is empty or too long, an owner who is not active or may not
    read the model, a date that is past, an unknown severity.
    """
    if not terms:
        return []
    if review.verdict != Verdict.APPROVE:
        raise InvalidInput(_("Only an approval has conditions. Ask for changes, or approve."), field="conditions")
    if len(terms) > MOST:
        message = _("An approval has %(most)s conditions at most. Ask for changes instead.") % {"most": MOST}
        raise InvalidInput(message, field="conditions")
    now = timezone.now()
    return Condition.objects.bulk_create(_condition(review, row, now) for row in terms)


def meet(condition_id: int, *, note: str, by: User) -> Condition:
    """Say that a condition is met, and how. For its owner, and for whoever set it.

    Raises NotVisible, RuleViolation (somebody else), WrongState (revoked, or its approval no longer stands), Conflict
    (met already) and InvalidInput (no note).
    """
    target = Target("condition", f"condition {condition_id}")
    with audit.attempt(Action.CONDITION_MET, by=grants.actor(by), target=target) as trial:
        request_id = _visible(condition_id, by)
        request = visibility.locked(request_id)
        condition = _locked(condition_id)
        trial.by, trial.target = grants.actor(by, request.version.model), request_target(request)
        trial.data = {**about(request), "condition": condition.pk, "text": condition.text}
        if by.pk not in (condition.owner_id, condition.review.reviewer_id, condition.review.counts_for_id):
            raise RuleViolation(_("A condition is met by its owner, or by whoever set it. Ask one of them."))
        _check_open(condition)
        condition.note = text_from(note, field="note")
        condition.met_at, condition.met_by = timezone.now(), by.get_username()
        condition.save(update_fields=["note", "met_at", "met_by"])
        trial.done(reason=condition.note)
    return condition


def revoke_overdue() -> int:
    """Revoke the approvals whose conditions are overdue; a timer. Returns how many conditions were."""
    due = Condition.objects.filter(
        due_at__lte=timezone.now(),
        met_at=None,
        revoked_at=None,
        review__standing=True,
        review__request__state__in=WATCHED,
    ).exclude(review__request__state=RequestState.APPLYING)  # soon it is applied, or not
    return each(due.order_by("due_at"), _revoke)


def _revoke(condition_id: int) -> bool:
    """Revoke one approval, in the caller's transaction. An applied move stays, and its approval has lapsed."""
    request_id = Condition.objects.values_list("review__request", flat=True).get(pk=condition_id)
    request, now = visibility.locked(request_id), timezone.now()
    condition = _locked(condition_id)
    over = condition.met_at is None and condition.revoked_at is None and condition.due_at <= now
    if not over or not condition.review.standing or request.state not in WATCHED:
        return False
    if request.state == RequestState.APPLYING:
        return False
    before = {"state": str(request.state)}
    condition.revoked_at = now
    condition.save(update_fields=["revoked_at"])
    because = _("Its condition is overdue: %(condition)s") % {"condition": condition.text}
    applied = request.state == RequestState.APPLIED
    dismissed = _lapse(request, now) if applied else _send_back(request, condition, because)
    audit.record(
        Action.CONDITION_OVERDUE,
        by=SYSTEM,
        target=request_target(request),
        reason=because,
        before=before,
        after={"state": str(request.state)},
        **about(request),
        condition=condition.pk,
        owner=condition.owner.get_username(),
        dismissed=dismissed,
    )
    return True


def _send_back(request: ApprovalRequest, condition: Condition, because: str) -> list[str]:
    names = dismiss(request.reviews.filter(pk=condition.review_id, standing=True), because)
    advancing.advance(request)
    return names


def _lapse(request: ApprovalRequest, now: datetime) -> list[str]:
    """Mark an applied approval as lapsed. Who approved stays on record: it was so when it was applied."""
    if request.lapsed_at is None:
        request.lapsed_at = now
        request.save(update_fields=["lapsed_at", "updated_at"])
    return []


def _condition(review: Review, terms: ConditionTerms, now: datetime) -> Condition:
    text = text_from(terms.text, field="conditions")
    if terms.severity not in Severity.values:
        message = _("There is no such severity. Use one of: %(severities)s.")
        raise InvalidInput(message % {"severities": ", ".join(Severity.values)}, field="conditions")
    if terms.due <= now:
        raise InvalidInput(_("A condition is due in the future. Choose a later day."), field="conditions")
    return Condition(
        review=review, text=text, owner=_owner(review, terms.owner), severity=terms.severity, due_at=terms.due
    )


def _owner(review: Review, username: str) -> User:
    readers = grants.holders(Permission.MODEL_READ, review.request.version.model)
    found = readers.filter(username=username, is_service=False).first()
    if found is None:
        message = _("“%(person)s” cannot own a condition here: name an active person who may read this model.")
        raise InvalidInput(message % {"person": username}, field="conditions")
    return found


def _visible(condition_id: int, by: User) -> int:
    """Return the request of a condition that `by` may see. Raises NotVisible."""
    visible = Q(review__request__version__model__in=visible_models(by))
    found = Condition.objects.filter(visible, pk=condition_id).values_list("review__request", flat=True).first()
    if found is None:
        raise NotVisible(_("There is no such condition, or you may not see it."))
    return found


def _locked(condition_id: int) -> Condition:
    """Return a condition as it is now; its request is locked, and with it everything that is written about it."""
    return Condition.objects.select_related("review", "owner").get(pk=condition_id)


def _check_open(condition: Condition) -> None:
    if condition.met_at:
        raise Conflict(_("This condition is met already. Reload the page."))
    if condition.revoked_at or not condition.review.standing:
        raise WrongState(_("The approval that this condition came with no longer stands, so there is nothing to meet."))
