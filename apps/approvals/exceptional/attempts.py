"""What the actions of this package have in common: one attempt, with the request and its model locked."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

from apps.accounts import grants, signing
from apps.accounts.assurance import SignWith
from apps.accounts.models import User
from apps.accounts.signing import Answer, Confirmation
from apps.approvals import visibility
from apps.approvals.models import ApprovalRequest, RequestState
from apps.approvals.records import about, request_target
from apps.approvals.signing import asked_to_bypass
from apps.approvals.transitions import RequestAction, refusal, transition_of
from apps.audit import services as audit
from apps.audit.services import Attempt, Target
from apps.errors import InvalidInput


@contextmanager
def attempted(action: RequestAction, request_id: int, *, by: User) -> Iterator[tuple[Attempt, ApprovalRequest]]:
    """Give the trial and the locked request of an action that `by` may take now.

    Raises NotVisible, NotAllowed, WrongState, RuleViolation and Conflict, each of them recorded.
    """
    row = transition_of(action)
    with audit.attempt(row.records, by=grants.actor(by), target=Target("request", f"request {request_id}")) as trial:
        trial.data = {"asked": row.action.value}
        request = visibility.locked_request(request_id, by)
        trial.by = grants.actor(by, request.version.model)
        if request.state != RequestState.DRAFT:  # nobody else is to learn of a draft from the model's events
            trial.target = request_target(request)
        trial.data |= about(request)
        if error := refusal(row, request, by):
            raise error
        yield trial, request


def check_password(confirmation: Confirmation, by: User, request: ApprovalRequest) -> str:
    """Return how the person confirmed who they are: by password, or by more where the policy passed by asks for more.

    Raises InvalidInput without it, NotAllowed after too many wrong ones.
    """
    asked = asked_to_bypass(request)
    if confirmation.answer is Answer.NONE and asked is SignWith.PASSWORD:
        message = _("Going past a policy takes your password. Type the one that you sign in with.")
        raise InvalidInput(message, field="password")
    return signing.confirmed_with(confirmation, by, asks=asked)
