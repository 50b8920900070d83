"""What can be done to a request: action → states, permission, rules. What is not in this table is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import rules
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, RequestState, Verdict
from apps.audit.actions import Action
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, RuleViolation, WrongState

Rule = Callable[[User, ApprovalRequest], str | None]


class RequestAction(StrEnum):
    """What a person does to a request."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    RETRY = "retry"


@dataclass(frozen=True)
class Transition:
    """One action: from which states, with which permission on the model, under which rules."""

    action: RequestAction
    label: Promise
    sources: tuple[RequestState, ...]
    permission: Permission
    refusal_without_permission: Promise
    records: Action
    or_requester: bool = False  # the requester may, without the permission
    verdict: Verdict | None = None  # for a review
    rules: tuple[Rule, ...] = ()  # broken: 403
    obstacles: tuple[Rule, ...] = ()  # in the way at this moment: 409
    comment_needed: bool = False


REVIEWER_ONLY = gettext_lazy("Reviewing needs the reviewer's duty on this model. An admin can give it to you.")
ENGINEER_ONLY = gettext_lazy("Only the requester or an ML engineer of this model can do this.")
REVIEW_RULES: tuple[Rule, ...] = (
    rules.not_the_requester,
    rules.not_the_trainer,
    rules.in_the_policy_group,
)
BEFORE_APPLYING = (*UNDER_REVIEW, RequestState.APPROVED, RequestState.APPLY_FAILED)

TRANSITIONS = {
    row.action: row
    for row in (
        Transition(
            RequestAction.APPROVE,
            gettext_lazy("Approve"),
            UNDER_REVIEW,
            Permission.MODEL_REVIEW,
            REVIEWER_ONLY,
            Action.REQUEST_REVIEWED,
            verdict=Verdict.APPROVE,
            rules=REVIEW_RULES,
            obstacles=(rules.version_exists, rules.in_the_asked_stage, rules.not_approved_already),
        ),
        Transition(
            RequestAction.REQUEST_CHANGES,
            gettext_lazy("Request changes"),
            UNDER_REVIEW,
            Permission.MODEL_REVIEW,
            REVIEWER_ONLY,
            Action.REQUEST_REVIEWED,
            verdict=Verdict.REQUEST_CHANGES,
            rules=REVIEW_RULES,
            obstacles=(rules.version_exists, rules.not_asked_for_changes_already),
            comment_needed=True,
        ),
        Transition(
            RequestAction.REJECT,
            gettext_lazy("Reject"),
            UNDER_REVIEW,
            Permission.MODEL_REVIEW,
            REVIEWER_ONLY,
            Action.REQUEST_REJECTED,
            verdict=Verdict.REJECT,
            rules=REVIEW_RULES,
            obstacles=(rules.version_exists,),
            comment_needed=True,
        ),
        Transition(
            RequestAction.WITHDRAW,
            gettext_lazy("Withdraw"),
            BEFORE_APPLYING,
            Permission.MODEL_DEPLOY,
            ENGINEER_ONLY,
            Action.REQUEST_WITHDRAWN,
            or_requester=True,
        ),
        Transition(
            RequestAction.RETRY,
            gettext_lazy("Try again"),
            (RequestState.APPLY_FAILED,),
            Permission.MODEL_DEPLOY,
            ENGINEER_ONLY,
            Action.REQUEST_RETRIED,
            or_requester=True,
            obstacles=(rules.version_exists,),
        ),
    )
}


def transition_of(action: str) -> Transition:
    """Return the row of an action. Raises InvalidInput for anything that is not in the table."""
    try:
        return TRANSITIONS[RequestAction(action)]
    except (ValueError, KeyError) as error:
        message = _("There is no such action. Use one of: %(actions)s.") % {"actions": ", ".join(RequestAction)}
        raise InvalidInput(message, field="action") from error


def refusal(row: Transition, request: ApprovalRequest, user: User) -> DomainError | None:
    """Return why `user` may not do this to the request now, or None. The request is visible to them."""
    if not _permitted(row, request, user):
        return NotAllowed(str(row.refusal_without_permission))
    if request.state not in row.sources:
        message = _(
            "Request %(number)s is in the state “%(state)s”, where “%(action)s” is not possible. Reload the page."
        )
        return WrongState(message % {"number": request.pk, "state": request.get_state_display(), "action": row.label})
    for rule in row.rules:
        if sentence := rule(user, request):
            return RuleViolation(sentence)
    for obstacle in row.obstacles:
        if sentence := obstacle(user, request):
            return Conflict(sentence)
    return None


def _permitted(row: Transition, request: ApprovalRequest, user: User) -> bool:
    if row.or_requester and user.is_active and user.pk == request.requester_id:
        return True
    return grants.allows(user, row.permission, request.version.model)
