"""Somebody other than the requester answers for a check that does not pass: by name, with a reason, for a while."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import checks, eligibility, services
from apps.approvals.checks import CheckResult, Outcome, terms
from apps.approvals.models import UNFINISHED, ApprovalRequest, Waiver
from apps.approvals.records import about, request_target
from apps.approvals.refreshing import look_later
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.texts import text_from


def waive(request_id: int, check_name: str, *, reason: str, days: int, by: User) -> Waiver:
    """Answer for a check that does not pass now, for 1 to 90 days; the request follows at once if that was all.

    It answers for what a pipeline reported by then, and no longer holds for another report. One that holds no longer
    makes way for the new one. Raises NotVisible, NotAllowed without `model:review`, RuleViolation (the requester, or
    whom the policy excludes), WrongState (the request is finished, or the check passes), Conflict (waived already) and
    InvalidInput naming the field.
    """
    target = Target("request", f"request {request_id}")
    with audit.attempt(Action.CHECK_WAIVED, by=grants.actor(by), target=target) as trial:
        request = services.locked_request(request_id, by)
        trial.by = grants.actor(by, request.version.model)
        trial.target = request_target(request)
        trial.data = {"check": check_name[:200], **about(request)}
        if error := refusal(request, by):
            raise error
        result = _not_passed(request, check_name)
        reason = text_from(reason, field="reason")
        expires_at = terms.waived_until(days)
        waiver = _save_only_one(request, result, Waiver(reason=reason, waived_by=by, expires_at=expires_at))
        look_later(request_id, requested_by=by.get_username())  # should this process end before it does so itself
        trial.done(reason=reason, before={"outcome": result.outcome.value}, expires_at=expires_at.isoformat())
    services.reconsider(request_id)
    return waiver


def revoke(request_id: int, waiver_id: int, *, reason: str, by: User) -> Waiver:
    """Take a waiver back: the check counts again, and an approved request goes back to review if that is required.

    Whoever waived may, and every reviewer of the model. Raises NotVisible, NotAllowed, WrongState (the request is
    finished, or the waiver revoked) and InvalidInput naming the field.
    """
    target = Target("request", f"request {request_id}")
    with audit.attempt(Action.WAIVER_REVOKED, by=grants.actor(by), target=target) as trial:
        request = services.locked_request(request_id, by)
        trial.by = grants.actor(by, request.version.model)
        trial.target = request_target(request)
        trial.data = {"waiver": waiver_id, **about(request)}
        waiver = request.waivers.filter(pk=waiver_id).first() if waiver_id < 2**63 else None
        if waiver is None:
            raise NotVisible(_("There is no such waiver on this request."))
        trial.data |= {"check": waiver.check_name}
        if by.pk != waiver.waived_by_id and not grants.allows(by, Permission.MODEL_REVIEW, request.version.model):
            raise NotAllowed(_("Only a reviewer of this model, or whoever waived the check, can revoke the waiver."))
        if error := _finished(request):
            raise error
        if waiver.revoked_at:
            raise WrongState(_("This waiver no longer holds. Reload the page to see what does."))
        reason = text_from(reason, field="reason")
        waiver.revoked_at, waiver.revoked_by = timezone.now(), by.get_username()
        waiver.save(update_fields=["revoked_at", "revoked_by"])
        look_later(request_id, requested_by=by.get_username())
        trial.done(reason=reason)
    services.reconsider(request_id)
    return waiver


def refusal(request: ApprovalRequest, user: Any) -> DomainError | None:
    """Return why `user` may not waive any check of the request now, or None. The request is visible to them."""
    if not grants.allows(user, Permission.MODEL_REVIEW, request.version.model):
        return NotAllowed(_("Waiving a check needs the reviewer's duty on this model. An admin can give it to you."))
    if error := _finished(request):
        return error
    if user.pk == request.requester_id:
        return RuleViolation(_("You asked for this promotion, so somebody else has to answer for its checks."))
    if user.get_username() in eligibility.sponsors(request):
        message = _("You made the service account that asked, or a token of it: somebody else answers for its checks.")
        return RuleViolation(message)
    if user.get_username() in eligibility.barred(request):
        message = _("The policy keeps whoever made this version or its evidence from waiving its checks.")
        return RuleViolation(message)
    return None


def _finished(request: ApprovalRequest) -> WrongState | None:
    if request.state in UNFINISHED:
        return None
    message = _("Request %(number)s is in the state “%(state)s”, so its checks decide nothing any more.")
    return WrongState(message % {"number": request.pk, "state": request.get_state_display()})


def _not_passed(request: ApprovalRequest, name: str) -> CheckResult:
    """Return what the check says, if it can be waived now."""
    found = {result.name: result for result in checks.results(request)}
    result = found.get(name)
    if result is None:
        message = _("There is no such check on this request. Use one of: %(names)s.")
        raise InvalidInput(message % {"names": ", ".join(found)}, field="check")
    if result.outcome == Outcome.WAIVED and result.waiver:
        message = _("%(person)s has waived “%(check)s” until %(until)s. Revoke that waiver to change it.")
        until = date_format(timezone.localtime(result.waiver.expires_at), "DATETIME_FORMAT")
        raise Conflict(message % {"person": result.waiver.by, "check": result.label, "until": until}, field="check")
    if result.met:
        message = _("“%(check)s” is in nobody's way now, so there is nothing to waive.")
        raise WrongState(message % {"check": result.label}, field="check")
    return result


def _save_only_one(request: ApprovalRequest, result: CheckResult, waiver: Waiver) -> Waiver:
    """Save the waiver in place of one that holds no longer. The database allows one for each check, even in a race."""
    former = Waiver.objects.filter(request=request, check_name=result.name, revoked_at=None)
    over = Q(expires_at__lte=timezone.now()) | ~Q(given_on=result.waived_on)
    former.filter(over).update(revoked_at=timezone.now())
    waiver.request, waiver.check_name, waiver.given_on = request, result.name, result.waived_on
    try:
        with transaction.atomic():
            waiver.save()
    except IntegrityError as error:
        message = _("Somebody has just waived “%(check)s”. Reload the page.")
        raise Conflict(message % {"check": result.label}, field="check") from error
    return waiver
