"""Approvals that end: certified anew by a reviewer as long as the evidence is the one that was signed, else lapsed.

Due for DUE_BEFORE until their end (half of a short period), then overdue for RECERTIFY_GRACE_DAYS, then lapsed. Each is
told once, by a timer.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import signing
from apps.accounts.models import User
from apps.accounts.signing import confirmed_with
from apps.approvals import evidence, staleness, visibility
from apps.approvals.exceptional.attempts import attempted
from apps.approvals.exceptional.holding import holding, holds
from apps.approvals.exceptional.rules import DUE_BEFORE
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, Recertification, RequestState
from apps.approvals.records import about, request_target
from apps.approvals.reviewing import SYSTEM, fields_in_words, seen_digest
from apps.approvals.signing import asks
from apps.approvals.transitions import RequestAction
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.errors import Conflict
from apps.jobs.ringing import each
from apps.texts import text_from

DUE, OVERDUE, LAPSED = "due", "overdue", "lapsed"
ACTIONS = {
    DUE: Action.REQUEST_RECERTIFY_DUE,
    OVERDUE: Action.REQUEST_RECERTIFY_OVERDUE,
    LAPSED: Action.REQUEST_LAPSED,
}


def recertify(
    request_id: int, *, comment: str = "", evidence_digest: str | None, password: str = "", by: User
) -> Recertification:
    """Say as a reviewer that an applied approval still holds: from now on for as long as its policy says.

    The evidence must be the one that was signed. Raises NotVisible, NotAllowed, WrongState, InvalidInput,
    RuleViolation, and Conflict: it is history, it holds for good, or the evidence changed.
    """
    confirmation = signing.confirm(by, password)
    with attempted(RequestAction.RECERTIFY, request_id, by=by) as (trial, request):
        confirmed = confirmed_with(confirmation, by, asks=asks(request))
        comment = text_from(comment, field="comment", needed=False)
        digest = seen_digest(request, evidence_digest)
        _check_unchanged(request)
        before = {"recertify_by": _text(request.recertify_by), "lapsed": request.lapsed_at is not None}
        now = timezone.now()
        days = request.policy.recertify_days if request.policy else None
        until = now + timedelta(days=days) if days else request.recertify_by
        if until is None:
            raise LookupError(f"request {request_id} holds for good, and none of its rules said so")
        row = Recertification.objects.create(
            request=request, reviewer=by, until=until, comment=comment, evidence_digest=digest
        )
        request.recertify_by, request.recertify_told, request.lapsed_at = until, "", None
        request.save(update_fields=["recertify_by", "recertify_told", "lapsed_at", "updated_at"])
        after = {"recertify_by": _text(until), "lapsed": False}
        trial.done(reason=comment, before=before, after=after, evidence_digest=digest, confirmed_with=confirmed)
    return row


def note_ending() -> int:
    """Find the approvals in force that have become due, overdue or lapsed, note it, and tell the trail: a timer."""
    now = timezone.now()
    newly_due = Q(recertify_told="") & due(now)
    untold = newly_due | Q(recertify_told=DUE, recertify_by__lte=now) | Q(recertify_by__lte=now - grace())
    ends = ApprovalRequest.objects.filter(untold, lapsed_at=None, recertify_by__lte=now + DUE_BEFORE)
    return each(holding(ends).order_by("recertify_by"), _note_ending)


def due(at: datetime) -> Q:
    """Match the approvals that `standing` calls due or worse, when they are applied. Costs one query."""
    short = ApprovalPolicy.objects.filter(recertify_days__lt=2 * DUE_BEFORE.days).values_list("recertify_days")
    periods = [days for (days,) in short.distinct() if days]
    found = Q(recertify_by__lte=at + DUE_BEFORE) & (Q(policy=None) | ~Q(policy__recertify_days__in=periods))
    for days in periods:
        found |= Q(policy__recertify_days=days, recertify_by__lte=at + _due_before(days))
    return found


def _due_before(period: int | None) -> timedelta:
    """Return how long before its end an approval of a policy's `period` (in days) is due."""
    return min(DUE_BEFORE, timedelta(days=period) / 2) if period else DUE_BEFORE


def _note_ending(request_id: int) -> bool:
    request, now = visibility.locked(request_id), timezone.now()
    found = "" if request.lapsed_at else standing(request, now)
    if found in ("", request.recertify_told) or not holds(request):
        return False
    if found == LAPSED:
        request.lapsed_at = now
    else:
        request.recertify_told = found
    request.save(update_fields=["recertify_told", "lapsed_at", "updated_at"])
    audit.record(
        ACTIONS[found],
        by=SYSTEM,
        target=request_target(request),
        reason=_("Nobody certified it anew in time.") if found == LAPSED else "",
        held_until=_text(request.recertify_by),
        lapses_at=_text(lapses_at(request)),
        **about(request),
    )
    return True


def grace() -> timedelta:
    """Return for how long an approval that has ended may still be certified anew before it lapses."""
    return timedelta(days=settings.RECERTIFY_GRACE_DAYS)


def lapses_at(request: ApprovalRequest) -> datetime | None:
    """Return when an approval lapses unless it is certified anew; None: it holds for good."""
    return request.recertify_by + grace() if request.recertify_by else None


def standing(request: ApprovalRequest, at: datetime) -> str:
    """Return "due", "overdue" or "lapsed" for an applied approval that ends; empty while there is time, or no end.

    By the times alone, also before the timer has said so.
    """
    if request.state != RequestState.APPLIED:
        return ""
    end = lapses_at(request)
    if request.lapsed_at or (end and end <= at):
        return LAPSED
    if request.recertify_by is None:
        return ""
    if request.recertify_by <= at:
        return OVERDUE
    if request.recertify_by > at + DUE_BEFORE:
        return ""
    period = request.policy.recertify_days if request.policy else None
    return DUE if request.recertify_by <= at + _due_before(period) else ""


def over(request: ApprovalRequest, at: datetime) -> bool:
    """Return whether an approval has ended, so that nothing new is to rest on it: what is overdue is in its grace."""
    return standing(request, at) in (OVERDUE, LAPSED)


def _check_unchanged(request: ApprovalRequest) -> None:
    changes = staleness.weighty(request.evidence, evidence.of(request))
    # Pipelines go on reporting: how their checks end is among the changes, and who recertifies reads what they say now.
    if found := [change for change in changes if not change.field.startswith("reports.")]:
        message = _(
            "The evidence is not what was signed any more: %(fields)s. Ask for the move again, and have it voted on."
        )
        raise Conflict(message % {"fields": fields_in_words(found)}, field="evidence_digest")


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
