"""The rules of a request's course: (user, request) → why not, as a sentence, or None. The sign-off's: rules.py."""

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.approvals import eligibility, policies, schedule, superseding
from apps.approvals.models import ApprovalRequest, Verdict
from apps.errors import RuleViolation


def in_time(user: User, request: ApprovalRequest) -> str | None:
    """What has run out is not brought to life again, even before the timer has closed it."""
    if schedule.expired(request, timezone.now()):
        return _("The time for this request is over. Ask again if it is still wanted.")
    return None


def neither_requester_nor_objector(user: User, request: ApprovalRequest) -> str | None:
    """An objection is dismissed by somebody who stands outside: who asked, and who objects, do not."""
    if user.pk == request.requester_id:
        return _("You asked for this promotion, so somebody else has to decide about the objection.")
    objections = request.reviews.filter(standing=True, verdict=Verdict.REQUEST_CHANGES)
    if any(user.pk in (review.reviewer_id, review.counts_for_id) for review in objections):
        return _("This is your own objection. Review the request again to take it back.")
    return None


def made_by_somebody_else(user: User, request: ApprovalRequest) -> str | None:
    """Whoever made the version, or the machine that asked, does not clear the way for it."""
    if user.get_username() in eligibility.sponsors(request):
        return _("You made the service account that asked, or a token of it: somebody else decides on the objection.")
    if user.get_username() in eligibility.barred(request):
        return _("You made this version or its evidence, so somebody else has to decide about the objection.")
    return None


def asked_by_somebody_else(user: User, request: ApprovalRequest) -> str | None:
    """Whoever asks does not choose the rules."""
    if user.pk == request.requester_id:
        return _("You asked for this promotion, so another admin has to move it to another policy.")
    if user.get_username() in eligibility.sponsors(request):
        return _("You made the service account that asked, or a token of it: another admin moves it to another policy.")
    return None


def under_another_policy(user: User, request: ApprovalRequest) -> str | None:
    """There is nothing to move where the request follows the present policy, or there is none."""
    try:
        present = policies.present_for(request)
    except RuleViolation as error:
        return error.message
    if present.pk == request.policy_id:
        return _("This request follows the present policy already.")
    return None


def superseded(user: User, request: ApprovalRequest) -> str | None:
    """A request is closed as superseded only where a newer one stands in its place."""
    if superseding.newer(request):
        return None
    return _("No newer version is asked for in this place. Withdraw the request if it is no longer wanted.")
