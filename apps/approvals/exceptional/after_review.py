"""The review that a bypass or a rollback owes: was it right to go first and ask later? Due by a day, and rung for."""

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import signing
from apps.accounts.models import User
from apps.accounts.signing import confirmed_with
from apps.approvals import visibility
from apps.approvals.exceptional.attempts import attempted
from apps.approvals.models import CLOSED, AfterReview, ApprovalRequest, Ratification, RequestState
from apps.approvals.records import about, request_target
from apps.approvals.reviewing import SYSTEM, seen_digest
from apps.approvals.signing import asks
from apps.approvals.transitions import RequestAction
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.errors import InvalidInput
from apps.jobs.ringing import each
from apps.texts import text_from

NEVER_APPLIED = tuple(state for state in CLOSED if state != RequestState.APPLIED)


def review(
    request_id: int, outcome: str, *, comment: str, evidence_digest: str | None, password: str = "", by: User
) -> AfterReview:
    """Say afterwards whether a bypass or a rollback is ratified, with a comment. It is said once.

    `outcome` is "ratified" or "not_ratified". What is not ratified stays until somebody rolls it back. It is signed as
    a vote is: naming the evidence that was read, with the password where the policy wants it. Raises NotVisible,
    NotAllowed, WrongState, InvalidInput, RuleViolation (who asked, confirmed or trained), and Conflict when no review
    is owed, somebody was first, or the evidence is not what the reviewer read.
    """
    confirmation = signing.confirm(by, password)  # slow on purpose: before any lock
    with attempted(RequestAction.AFTER_REVIEW, request_id, by=by) as (trial, request):
        confirmed = confirmed_with(confirmation, by, asks=asks(request))
        if outcome not in Ratification.values:
            message = _("Say whether it is ratified: %(outcomes)s.")
            raise InvalidInput(message % {"outcomes": ", ".join(Ratification.values)}, field="outcome")
        comment = text_from(comment, field="comment")
        digest = seen_digest(request, evidence_digest)
        row = AfterReview.objects.get(request=request)
        row.outcome, row.reviewer, row.reviewed_at, row.comment = outcome, by, timezone.now(), comment
        row.evidence_digest = digest
        row.save(update_fields=["outcome", "reviewer", "reviewed_at", "comment", "evidence_digest"])
        trial.done(
            reason=comment,
            outcome_of_review=outcome,
            late=row.reviewed_at > row.due_at,
            bypassed=request.bypassed,
            evidence_digest=digest,
            confirmed_with=confirmed,
        )
    return row


def note_overdue() -> int:
    """Find the reviews that were due and were not given, note it, and tell the trail: a timer."""
    due = AfterReview.objects.filter(outcome="", overdue_at=None, due_at__lte=timezone.now())
    due = due.exclude(request__state__in=NEVER_APPLIED).order_by("due_at")
    return each(due, _note_overdue)


def _note_overdue(pk: int) -> bool:
    request = visibility.locked(AfterReview.objects.values_list("request", flat=True).get(pk=pk))
    row, now = AfterReview.objects.filter(pk=pk).first(), timezone.now()
    if row is None or not owed(row, request) or row.overdue_at or row.due_at > now:
        return False
    row.overdue_at = now
    row.save(update_fields=["overdue_at"])
    audit.record(
        Action.AFTER_REVIEW_OVERDUE,
        by=SYSTEM,
        target=request_target(request),
        reason=_("Nobody reviewed it afterwards in time."),
        due=row.due_at.isoformat(),
        bypassed=request.bypassed,
        **about(request),
    )
    return True


def owed(row: AfterReview, request: ApprovalRequest) -> bool:
    """Return whether a review afterwards is still to be given: what was never applied needs none."""
    return not row.outcome and request.state not in NEVER_APPLIED
