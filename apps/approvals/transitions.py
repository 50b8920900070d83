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
from apps.approvals import lifecycle_rules, rules
from apps.approvals.exceptional import rules as exceptional
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
    SUBMIT = "submit"
    EDIT = "edit"
    DISCARD = "discard"
    DISMISS_OBJECTION = "dismiss_objection"
    SUPERSEDE = "supersede"
    REPIN = "repin"
    ASK_BYPASS = "ask_bypass"
    CONFIRM_BYPASS = "confirm_bypass"
    DROP_BYPASS = "drop_bypass"
    AFTER_REVIEW = "after_review"
    RECERTIFY = "recertify"


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
    quiet: bool = False  # not shown where it is refused: it would only be noise
    apart: bool = False  # has a page of its own, see exceptional/: not among the buttons of the request


REVIEWER_ONLY = gettext_lazy("Reviewing needs the reviewer's duty on this model. An admin can give it to you.")
ENGINEER_ONLY = gettext_lazy("Only the requester or an ML engineer of this model can do this.")
REVIEW_RULES: tuple[Rule, ...] = (
    rules.not_the_requester,
    rules.not_excluded,
    rules.in_the_policy_group,
    rules.can_confirm,
)
WRITER_ONLY = gettext_lazy("Asking for a promotion needs the data scientist's role on this model.")
ENGINEER_DISMISSES = gettext_lazy("Dismissing an objection needs the ML engineer's role on this model.")
ADMIN_ONLY = gettext_lazy("Moving a request to another policy needs the admin role. Ask an admin.")
BEFORE_APPLYING = (*UNDER_REVIEW, RequestState.APPROVED, RequestState.APPLY_FAILED)
TWO_ONLY = gettext_lazy("Going past a policy needs the emergency duty on this model. An admin can give it to you.")
IN_THE_WAY: tuple[Rule, ...] = (rules.version_exists, lifecycle_rules.in_time, rules.in_the_asked_stage)

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
            obstacles=(
                rules.version_exists,
                lifecycle_rules.in_time,
                rules.in_the_asked_stage,
                rules.not_approved_already,
            ),
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
            obstacles=(rules.version_exists, lifecycle_rules.in_time),
        ),
        Transition(
            RequestAction.SUBMIT,
            gettext_lazy("Submit"),
            (RequestState.DRAFT,),
            Permission.MODEL_WRITE,
            WRITER_ONLY,
            Action.REQUEST_OPENED,
        ),
        Transition(
            RequestAction.EDIT,
            gettext_lazy("Edit"),
            (RequestState.DRAFT,),
            Permission.MODEL_WRITE,
            WRITER_ONLY,
            Action.REQUEST_DRAFTED,
        ),
        Transition(
            RequestAction.DISCARD,
            gettext_lazy("Discard"),
            (RequestState.DRAFT,),
            Permission.MODEL_WRITE,
            WRITER_ONLY,
            Action.REQUEST_WITHDRAWN,
            or_requester=True,
        ),
        Transition(
            RequestAction.DISMISS_OBJECTION,
            gettext_lazy("Dismiss the objection"),
            (RequestState.CHANGES_REQUESTED,),
            Permission.MODEL_DEPLOY,
            ENGINEER_DISMISSES,
            Action.REQUEST_OBJECTION_DISMISSED,
            rules=(
                rules.a_person,
                lifecycle_rules.neither_requester_nor_objector,
                lifecycle_rules.made_by_somebody_else,
            ),
            comment_needed=True,
        ),
        Transition(
            RequestAction.SUPERSEDE,
            gettext_lazy("Close as superseded"),
            BEFORE_APPLYING,
            Permission.MODEL_DEPLOY,
            ENGINEER_ONLY,
            Action.REQUEST_SUPERSEDED,
            or_requester=True,
            obstacles=(lifecycle_rules.superseded,),
            quiet=True,
        ),
        Transition(
            RequestAction.REPIN,
            gettext_lazy("Follow the present policy"),
            (*UNDER_REVIEW, RequestState.APPROVED),
            Permission.POLICY_MANAGE,
            ADMIN_ONLY,
            Action.REQUEST_REPINNED,
            rules=(lifecycle_rules.asked_by_somebody_else,),
            obstacles=(lifecycle_rules.under_another_policy,),
            comment_needed=True,
            quiet=True,
        ),
        Transition(
            RequestAction.ASK_BYPASS,
            gettext_lazy("Ask for a bypass"),
            (*UNDER_REVIEW, RequestState.APPROVED),
            Permission.MODEL_BYPASS,
            TWO_ONLY,
            Action.BYPASS_ASKED,
            rules=(rules.can_confirm_a_bypass,),
            obstacles=(*IN_THE_WAY, exceptional.waits_for_something, exceptional.not_asked_already),
            comment_needed=True,
            apart=True,
        ),
        Transition(
            RequestAction.CONFIRM_BYPASS,
            gettext_lazy("Confirm the bypass"),
            (*UNDER_REVIEW, RequestState.APPROVED),
            Permission.MODEL_BYPASS,
            TWO_ONLY,
            Action.BYPASS_CONFIRMED,
            rules=(exceptional.the_second_person, rules.can_confirm_a_bypass),
            obstacles=(*IN_THE_WAY, exceptional.is_asked_for, exceptional.the_first_still_may),
            apart=True,
        ),
        Transition(
            RequestAction.DROP_BYPASS,
            gettext_lazy("Drop the bypass"),
            (*UNDER_REVIEW, RequestState.APPROVED),
            Permission.MODEL_BYPASS,
            TWO_ONLY,
            Action.BYPASS_DROPPED,
            obstacles=(exceptional.is_asked_for,),
            apart=True,
        ),
        Transition(
            RequestAction.AFTER_REVIEW,
            gettext_lazy("Review afterwards"),
            (RequestState.APPLIED,),
            Permission.MODEL_REVIEW,
            REVIEWER_ONLY,
            Action.AFTER_REVIEW_DONE,
            rules=(*REVIEW_RULES, exceptional.not_answering_for_it),
            obstacles=(exceptional.owes_a_review,),
            comment_needed=True,
            apart=True,
        ),
        Transition(
            RequestAction.RECERTIFY,
            gettext_lazy("Certify anew"),
            (RequestState.APPLIED,),
            Permission.MODEL_REVIEW,
            REVIEWER_ONLY,
            Action.REQUEST_RECERTIFIED,
            rules=REVIEW_RULES,
            obstacles=(exceptional.runs_out, rules.version_exists, exceptional.is_in_force, exceptional.was_ratified),
            apart=True,
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


def refusal(row: Transition, request: ApprovalRequest, user: User, *, voice: User | None = None) -> DomainError | None:
    """Return why `user` may not do this to the request now, or None. The request is visible to them.

    `voice` is whom a delegate speaks for: it is that person's permission and group, and the exclusions of both.
    """
    if voice and voice.pk != user.pk:
        return _refusal_for_another(row, request, user, voice)
    if sentence := rules.for_persons(user, row.permission):
        return RuleViolation(sentence)
    if not _permitted(row, request, user):
        return NotAllowed(str(row.refusal_without_permission))
    return _wrong_state(row, request) or _broken_rule(row, request, user) or _obstacle(row, request, user)


def _refusal_for_another(row: Transition, request: ApprovalRequest, user: User, voice: User) -> DomainError | None:
    if row.verdict is None:
        return InvalidInput(_("Only a review can be given for somebody else."), field="on_behalf_of")
    if error := _wrong_state(row, request):
        return error
    for rule in (rules.not_the_requester, rules.not_excluded, rules.can_confirm):
        if sentence := rule(user, request):
            return RuleViolation(sentence)
    if sentence := rules.may_be_spoken_for(voice, request):
        return RuleViolation(sentence, field="on_behalf_of")
    if sentence := rules.not_said_for_them_already(user, voice, request, row.verdict):
        return Conflict(sentence)
    return _obstacle(row, request, voice)


def _wrong_state(row: Transition, request: ApprovalRequest) -> DomainError | None:
    if request.state not in row.sources:
        message = _(
            "Request %(number)s is in the state “%(state)s”, where “%(action)s” is not possible. Reload the page."
        )
        return WrongState(message % {"number": request.pk, "state": request.get_state_display(), "action": row.label})
    return None


def _broken_rule(row: Transition, request: ApprovalRequest, user: User) -> DomainError | None:
    for rule in row.rules:
        if sentence := rule(user, request):
            return RuleViolation(sentence)
    return None


def _obstacle(row: Transition, request: ApprovalRequest, user: User) -> DomainError | None:
    for obstacle in row.obstacles:
        if sentence := obstacle(user, request):
            return Conflict(sentence)
    return None


def _permitted(row: Transition, request: ApprovalRequest, user: User) -> bool:
    if row.or_requester and user.is_active and user.pk == request.requester_id:
        return True
    return grants.allows(user, row.permission, request.version.model)
