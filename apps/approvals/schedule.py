"""When things happen to a request: reminders, expiry, the wait before the write, and freezes that hold it back.

Times are only ever compared with now: a clock that goes back delays, and lets nothing happen twice or unasked.
"""

from datetime import UTC, datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, RequestKind, RequestState
from apps.approvals.policies import freezes

MORTAL = (*UNDER_REVIEW, RequestState.APPROVED, RequestState.APPLY_FAILED)  # states in which a request can expire
TIMES = ("submitted_at", "remind_at", "expires_at", "approved_at", "apply_after")  # what this module sets
Held = tuple[str, str, str, str]  # code, sentence, who can clear it, where: see blockers.Blocker


def submitted(request: ApprovalRequest, at: datetime) -> None:
    """Set the times that run from the submission. The caller saves."""
    request.submitted_at = at
    request.remind_at = _after(at, request.policy.remind_days if request.policy else None)
    request.expires_at = _after(at, request.policy.open_days if request.policy else None)


def approved(request: ApprovalRequest, at: datetime) -> None:
    """Set the times that run from the moment in which the last requirement was met. The caller saves.

    A bypass or a rollback does not wait.
    """
    policy = request.policy
    request.approved_at, request.remind_at = at, None
    wait = policy.wait_minutes if policy and not request.expedited else 0
    request.apply_after = at + timedelta(minutes=wait)
    request.expires_at = _after(request.apply_after, policy.approval_days if policy else None)


def applied(request: ApprovalRequest, at: datetime) -> None:
    """Set until when an applied approval holds. The caller saves. What was archived needs no looking at again.

    A rollback holds as long as the approval that it rests on: going back is no way to make that last longer.
    """
    if request.kind == RequestKind.ROLLBACK and request.expedited and request.follows:
        request.recertify_by = request.follows.recertify_by
        return
    days = request.policy.recertify_days if request.policy and request.kind != RequestKind.ARCHIVE else None
    request.recertify_by = _after(at, days)


def under_review_again(request: ApprovalRequest, at: datetime) -> None:
    """Take back what `approved` set, and give those who decide the policy's time anew. The caller saves."""
    request.approved_at = request.apply_after = None
    request.remind_at = _after(at, request.policy.remind_days if request.policy else None)
    request.expires_at = _after(at, request.policy.open_days if request.policy else None)


def reminded(request: ApprovalRequest, at: datetime) -> None:
    """Note a reminder and set the time of the next. The caller saves."""
    request.reminded_at = at
    request.remind_at = _after(at, request.policy.remind_days if request.policy else None)


def expired(request: ApprovalRequest, at: datetime) -> bool:
    """Return whether the time of an unfinished request is over."""
    return request.state in MORTAL and request.expires_at is not None and request.expires_at <= at


def held(request: ApprovalRequest, at: datetime) -> list[Held]:
    """Return what makes an approved request wait at this moment: its wait timer, a freeze.

    Nothing holds back a bypass or a rollback: they are for when it cannot wait.
    """
    found: list[Held] = []
    if request.expedited:
        return found
    if request.apply_after and request.apply_after > at:
        sentence = _("Approved. It is applied after %(time)s, when the wait of its policy is over.")
        found.append(("wait", sentence % {"time": _in_words(request.apply_after)}, "", ""))
    if window := freezes.holding(request, at):
        sentence = _("The freeze “%(name)s” holds it back until %(time)s.")
        names = {"name": window.name, "time": _in_words(window.ends_at)}
        found.append(("freeze", sentence % names, _("an admin"), reverse("approvals:freeze-list")))
    return found


def _after(at: datetime, days: int | None) -> datetime | None:
    return at + timedelta(days=days) if days else None


def _in_words(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
