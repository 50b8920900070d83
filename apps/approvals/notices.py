"""What is told of requests, drift, policies and delegations. The words are translated when they are shown.

Whoever did it is never told, nor who may not read the model: apps/notifications/outbox.py sees to both.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_noop as noop

from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals.eligibility import eligible_reviewers
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, Condition, Delegation, DriftFinding, RequestState
from apps.approvals.recipients import (
    holders,
    involved,
    involved_or_eligible,
    involved_or_engineers,
    involved_or_reviewers,
    involved_or_undecided,
    undecided,
)
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.notifications.audiences import Message, tells
from apps.notifications.models import Kind
from apps.registry.models import RegisteredModel

People = Callable[[ApprovalRequest], QuerySet[User]]


@dataclass(frozen=True)
class Notice:
    """What is told of one action on a request."""

    kind: Kind
    to: People
    text: str


REQUEST_NOTICES = {
    Action.REQUEST_OPENED: Notice(
        Kind.REVIEW_NEEDED, undecided, noop("%(actor)s asks for your review: %(version)s to %(target)s")
    ),
    Action.REQUEST_REMINDED: Notice(
        Kind.REMINDER, undecided, noop("Your review is still wanted: %(version)s to %(target)s")
    ),
    Action.ROLLBACK_ASKED: Notice(
        Kind.REVIEW_NEEDED,
        involved_or_reviewers,
        noop("%(actor)s rolls back to %(version)s in %(target)s: it is to be reviewed afterwards"),
    ),
    Action.REQUEST_APPROVED: Notice(
        Kind.DECIDED, involved, noop("%(version)s to %(target)s has all the approvals it needs")
    ),
    Action.REQUEST_REJECTED: Notice(Kind.DECIDED, involved, noop("%(actor)s rejected %(version)s to %(target)s")),
    Action.REQUEST_APPLIED: Notice(Kind.DECIDED, involved, noop("Done: MLflow confirmed %(version)s to %(target)s")),
    Action.REQUEST_WITHDRAWN: Notice(
        Kind.DECIDED, involved, noop("%(actor)s withdrew the request for %(version)s to %(target)s")
    ),
    Action.REQUEST_SUPERSEDED: Notice(
        Kind.DECIDED, involved, noop("The request for %(version)s to %(target)s was superseded by a newer one")
    ),
    Action.REQUEST_RECERTIFIED: Notice(
        Kind.DECIDED, involved, noop("%(actor)s certified %(version)s for %(target)s anew")
    ),
    Action.CONDITION_MET: Notice(Kind.DECIDED, involved, noop("A condition of %(version)s to %(target)s is met")),
    Action.AFTER_REVIEW_DONE: Notice(
        Kind.DECIDED, involved, noop("%(actor)s reviewed %(version)s to %(target)s afterwards")
    ),
    Action.REQUEST_EVIDENCE_CHANGED: Notice(
        Kind.CHANGED, involved, noop("The evidence for %(version)s to %(target)s changed: reviews were dismissed")
    ),
    Action.REQUEST_REVIEWS_DISMISSED: Notice(
        Kind.CHANGED, involved, noop("Reviews of %(version)s to %(target)s were dismissed")
    ),
    Action.REQUEST_OBJECTION_DISMISSED: Notice(
        Kind.CHANGED, involved, noop("%(actor)s dismissed an objection to %(version)s to %(target)s")
    ),
    Action.REQUEST_REOPENED: Notice(
        Kind.CHANGED,
        involved_or_undecided,
        noop("%(version)s to %(target)s is under review again: what it was approved on no longer holds"),
    ),
    Action.REQUEST_REPINNED: Notice(
        Kind.CHANGED, involved, noop("The present policy counts now for the request for %(version)s to %(target)s")
    ),
    Action.CHECK_WAIVED: Notice(Kind.CHANGED, involved, noop("%(actor)s waived a check of %(version)s to %(target)s")),
    Action.WAIVER_REVOKED: Notice(
        Kind.CHANGED, involved, noop("%(actor)s revoked the waiver of a check of %(version)s to %(target)s")
    ),
    Action.REQUEST_EXPIRED: Notice(Kind.REMINDER, involved, noop("The request for %(version)s to %(target)s expired")),
    Action.REQUEST_RECERTIFY_DUE: Notice(
        Kind.REMINDER, eligible_reviewers, noop("The approval of %(version)s for %(target)s ends soon: certify it anew")
    ),
    Action.REQUEST_RECERTIFY_OVERDUE: Notice(
        Kind.REMINDER,
        involved_or_eligible,
        noop("The approval of %(version)s for %(target)s has ended and is about to lapse: certify it anew"),
    ),
    Action.REQUEST_LAPSED: Notice(
        Kind.REMINDER, involved_or_reviewers, noop("The approval of %(version)s for %(target)s lapsed: certify it anew")
    ),
    Action.CONDITION_OVERDUE: Notice(
        Kind.REMINDER, involved, noop("A condition of %(version)s to %(target)s is overdue: its approval was revoked")
    ),
    Action.AFTER_REVIEW_OVERDUE: Notice(
        Kind.REMINDER, involved_or_reviewers, noop("The review afterwards of %(version)s to %(target)s is overdue")
    ),
    Action.BYPASS_ASKED: Notice(
        Kind.BYPASS, involved_or_reviewers, noop("%(actor)s asks to bypass the policy: %(version)s to %(target)s")
    ),
    Action.BYPASS_CONFIRMED: Notice(
        Kind.BYPASS,
        involved_or_reviewers,
        noop("%(actor)s confirmed a bypass of the policy: %(version)s to %(target)s"),
    ),
    Action.BYPASS_DROPPED: Notice(
        Kind.BYPASS, involved_or_reviewers, noop("The policy is not bypassed after all: %(version)s to %(target)s")
    ),
}
VERDICTS = {
    "approve": noop("%(actor)s approved %(version)s to %(target)s"),
    "request_changes": noop("%(actor)s asks for changes: %(version)s to %(target)s"),
}
POLICY_TEXTS = {
    Action.POLICY_PUBLISHED: noop("%(actor)s published the %(what)s"),
    Action.POLICY_DRAFTED: noop("%(actor)s drafted the %(what)s: another admin can publish it"),
    Action.FREEZE_SET: noop("%(actor)s set a freeze: %(what)s"),
    Action.FREEZE_LIFTED: noop("%(actor)s lifted a freeze: %(what)s"),
}
DELEGATION_TEXTS = {
    Action.DELEGATION_GIVEN: noop("%(delegate)s may review for %(delegator)s from now on"),
    Action.DELEGATION_REVOKED: noop("%(delegate)s may no longer review for %(delegator)s"),
}


@tells(*REQUEST_NOTICES)
def of_a_request(event: AuditEvent) -> Iterable[Message]:
    """Tell of what REQUEST_NOTICES lists; of changed evidence only when a review fell by it, or an approval.

    Of what sent an approved request back to review, those are told besides who can review it now.
    """
    notice, fell = REQUEST_NOTICES[Action(event.action)], bool(event.data.get("dismissed"))
    if _sent_back(event):
        told = notice if fell else REQUEST_NOTICES[Action.REQUEST_REOPENED]
        return _messages(event, replace(told, to=involved_or_undecided))
    if event.action == Action.REQUEST_EVIDENCE_CHANGED and not fell:
        return []
    return _messages(event, notice)


def _sent_back(event: AuditEvent) -> bool:
    before, after = (event.data.get(side) or {} for side in ("before", "after"))
    return before.get("state") == RequestState.APPROVED and after.get("state") in UNDER_REVIEW


@tells(Action.REQUEST_APPLY_FAILED, outcome=Outcome.FAILED)
def of_a_failed_apply(event: AuditEvent) -> Iterable[Message]:
    """Tell those involved, and those who can try again."""
    text = noop("%(version)s to %(target)s could not be applied")
    return _messages(event, Notice(Kind.FAILED, involved_or_engineers, text))


@tells(Action.REQUEST_REVIEWED)
def of_conditions(event: AuditEvent) -> Iterable[Message]:
    """Tell those who are to meet the conditions of an approval."""
    owners = Condition.objects.filter(review=event.data.get("review"), met_at=None).values("owner")
    text = noop("%(actor)s approved %(version)s to %(target)s on conditions that you are to meet")
    return _messages(event, Notice(Kind.REMINDER, lambda request: User.objects.filter(pk__in=owners), text))


@tells(Action.REQUEST_REVIEWED)
def of_a_review(event: AuditEvent) -> Iterable[Message]:
    """Tell those involved of one verdict; of the last approval its own event tells."""
    text = VERDICTS.get(event.data.get("asked", ""))
    if text is None or (event.data.get("after") or {}).get("state") == "approved":
        return []
    return _messages(event, Notice(Kind.DECIDED, involved, text))


@tells(Action.DRIFT_FOUND)
def of_drift(event: AuditEvent) -> Iterable[Message]:
    """Tell who may settle it: the model's reviewers, and those who deploy it."""
    return _drift(event, Kind.DRIFT, noop("MLflow was changed without a decision: %(what)s"))


@tells(Action.DRIFT_REVERT_FAILED, outcome=Outcome.FAILED)
def of_a_failed_revert(event: AuditEvent) -> Iterable[Message]:
    """Tell the same people that it waits for a person."""
    return _drift(event, Kind.FAILED, noop("Drift could not be reverted: %(what)s"))


@tells(*POLICY_TEXTS)
def of_policies(event: AuditEvent) -> Iterable[Message]:
    """Tell who manages policies; of a freeze also who deploys."""
    people = holders(Permission.POLICY_MANAGE)
    if event.action in (Action.FREEZE_SET, Action.FREEZE_LIFTED):
        model = RegisteredModel.objects.filter(pk=event.model_id).first() if event.model_id else None
        people = people | holders(Permission.MODEL_DEPLOY, model)
    values = {"actor": event.actor, "what": event.target}
    text, url = POLICY_TEXTS[Action(event.action)], reverse("approvals:policy-list")
    return [Message(pk, text, url, Kind.POLICY, values) for pk in _ids(people)]


@tells(*DELEGATION_TEXTS)
def of_delegations(event: AuditEvent) -> Iterable[Message]:
    """Tell both of them: an admin may have arranged it."""
    rows = Delegation.objects.select_related("delegator", "delegate")
    row = rows.filter(pk=_number(event, "delegation")).first()
    if row is None:
        return []
    values = {"delegator": row.delegator.get_username(), "delegate": row.delegate.get_username()}
    text, url = DELEGATION_TEXTS[Action(event.action)], reverse("approvals:delegation-list")
    return [Message(pk, text, url, Kind.OTHER, values) for pk in (row.delegator_id, row.delegate_id)]


def _messages(event: AuditEvent, notice: Notice) -> list[Message]:
    rows = ApprovalRequest.objects.select_related("version__model", "policy", "requester")
    request = rows.filter(pk=_number(event, "request")).first()
    if request is None:
        return []
    values = {"actor": event.actor, "version": str(request.version), "target": request.target}
    url = reverse("approvals:request-detail", args=[request.pk])
    return [Message(pk, notice.text, url, notice.kind, values) for pk in _ids(notice.to(request))]


def _drift(event: AuditEvent, kind: Kind, text: str) -> list[Message]:
    finding = DriftFinding.objects.filter(pk=_number(event, "drift")).select_related("model").first()
    if finding is None:
        return []
    people = holders(Permission.MODEL_REVIEW, finding.model) | holders(Permission.MODEL_DEPLOY, finding.model)
    alias = f" @{event.data['alias']}" if event.data.get("alias") else ""
    values: dict[str, Any] = {"what": f"{event.data.get('version') or event.data.get('model') or ''}{alias}"}
    url = reverse("approvals:drift-detail", args=[finding.pk])
    return [Message(pk, text, url, kind, values) for pk in _ids(people)]


def _number(event: AuditEvent, noun: str) -> int:
    """Return the number in "request 12", or 0 for a target of another kind."""
    text = event.target.removeprefix(f"{noun} ")
    usable = event.target_type == noun and text.isascii() and text.isdecimal() and len(text) < 19
    return int(text) if usable else 0


def _ids(people: QuerySet[User]) -> list[int]:
    return list(people.order_by().values_list("pk", flat=True).distinct())
