"""Transition requests: Databricks' words for requests of ours, with our rules and quorum behind `approve`.

A signature is about the evidence that the signer has read, and its call has no field for that. So the listing of a
version's requests notes which evidence it showed to whom, and that is what their approval or rejection signs.
"""

from django.core.cache import cache
from django.utils.translation import gettext as _

from apps.accounts import scopes
from apps.approvals import queries, services
from apps.approvals.aiming import NOT_SERVED
from apps.approvals.models import UNFINISHED, ApprovalRequest, RequestState
from apps.approvals.reviewing import EvidenceChanged
from apps.approvals.transitions import RequestAction
from apps.errors import Conflict, InvalidInput, NotVisible, RuleViolation, WrongState
from apps.gateway import governed
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.databricks import fields, shapes
from apps.gateway.enforcement import guards

READ_SECONDS = 24 * 3600  # how long a listing counts as read


@guards("databricks.request.create")
def create(call: Call, who: Caller) -> Answer | None:
    """Ask for a move; whether others are archived is as the policy proposes."""
    version = fields.version(call, who, scopes.WRITE)
    reason = call.text("comment", needed=False) or governed.ASKED_BY_A_CLIENT
    opened = services.open_request(version.pk, governed.stage_of(call), reason=str(reason), by=who.user)
    return {"request": shapes.transition_request(opened, who.user)}


@guards("databricks.request.list")
def list_open(call: Call, who: Caller) -> Answer | None:
    """Answer with the requests for a version that are not finished, and note that their evidence was shown."""
    version = fields.version(call, who)
    rows = list(queries.visible_requests(who.user).filter(version=version, state__in=UNFINISHED).exclude(to_stage=""))
    cache.set_many({_read_key(row, who): row.evidence_digest for row in rows}, READ_SECONDS)
    return {"requests": [shapes.activity(row) for row in rows]}


@guards("databricks.request.approve")
def approve(call: Call, who: Caller) -> Answer | None:
    """Approve on the evidence that the caller was shown. Below the quorum nothing is applied; the answer says so."""
    request = _asked(call, who)
    archive = fields.flag(call, "archive_existing_versions")
    if archive is not None and archive != request.archive_existing and request.to_stage not in NOT_SERVED:
        message = _(
            "Request %(number)s says “archive_existing_versions”: %(asked)s, and approving does not change what was "
            "asked for. Send that, or ask again for something else."
        )
        said = {"number": request.pk, "asked": "true" if request.archive_existing else "false"}
        raise InvalidInput(message % said, field="archive_existing_versions")
    done = _sign(request, RequestAction.APPROVE, call, who)
    kind = "APPLIED_TRANSITION" if done.state == RequestState.APPLIED else "APPROVED_REQUEST"
    return _answer(done, kind, call, who)


@guards("databricks.request.reject")
def reject(call: Call, who: Caller) -> Answer | None:
    """Reject, with the reason in `comment`, on the evidence that the caller was shown."""
    return _answer(_sign(_asked(call, who), RequestAction.REJECT, call, who), "REJECTED_REQUEST", call, who)


@guards("databricks.request.delete")
def withdraw(call: Call, who: Caller) -> Answer | None:
    """Withdraw a request of `creator`: one's own, or as an ML engineer of the model somebody else's."""
    creator, request = call.text("creator"), _asked(call, who)
    if request.requester.get_username() != creator:
        raise _nothing_asked(call)
    comment = call.text("comment", needed=False)
    done = services.act(request.pk, RequestAction.WITHDRAW, by=who.user, comment=comment)
    return _answer(done, "CANCELLED_REQUEST", call, who)


def _asked(call: Call, who: Caller) -> ApprovalRequest:
    """Return the unfinished request to move a version to a stage. Raises NotVisible."""
    version, stage = fields.version(call, who, scopes.WRITE), governed.stage_of(call)
    rows = queries.visible_requests(who.user).filter(version=version, state__in=UNFINISHED, to_stage=stage)
    found = rows.first()
    if found is None:
        raise _nothing_asked(call)
    return found


def _sign(request: ApprovalRequest, action: RequestAction, call: Call, who: Caller) -> ApprovalRequest:
    """Give a review on the evidence that was shown to the caller.

    Raises WrongState when none was shown, or another one, and RuleViolation when the policy wants more than a token.
    """
    digest = cache.get(_read_key(request, who))
    comment, link = call.text("comment", needed=False), governed.link_to(request.pk)
    if not digest:
        message = _(
            "A signature is about evidence that you have read. List the transition requests of this version first "
            "(transition-requests/list), or decide here: %(link)s"
        )
        raise WrongState(message % {"link": link})
    try:
        return services.act(request.pk, action, by=who.user, comment=comment, evidence_digest=digest)
    except InvalidInput as error:
        if error.field != "password":
            raise
        message = _("%(why)s A token alone does not sign here. Sign on the page: %(link)s")
        raise RuleViolation(message % {"why": error.message, "link": link}) from error
    except Conflict as error:
        if error.field != "evidence_digest" and not isinstance(error, EvidenceChanged):
            raise
        raise WrongState(f"{error.message} {link}") from error


def _answer(request: ApprovalRequest, kind: str, call: Call, who: Caller) -> Answer:
    comment = call.text("comment", needed=False)
    return {"activity": shapes.activity(request, kind, by=who.user, comment=comment)}


def _nothing_asked(call: Call) -> NotVisible:
    message = _("Nobody has asked to move %(version)s to %(stage)s, or it was decided already.")
    return NotVisible(message % {"version": call.about, "stage": call.text("stage")})


def _read_key(request: ApprovalRequest, who: Caller) -> str:
    return f"databricks:read:{who.user.pk}:{request.pk}"
