"""Breaking the glass: one person asks to apply a request past its policy, a second one confirms, both by password.

What cannot be bypassed: two people, MLflow's stage being the one that the request starts from, and the evidence being
the one that both signed. A review afterwards is owed for each.
"""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import signing
from apps.accounts.models import User
from apps.approvals import advancing, blockers, evidence, waiting
from apps.approvals.exceptional import dropping, expediting, unchanged
from apps.approvals.exceptional.attempts import attempted, check_password
from apps.approvals.exceptional.rules import standing_bypass
from apps.approvals.models import ApprovalRequest, Bypass
from apps.approvals.reviewing import EvidenceChanged, fields_in_words, refresh_evidence, seen_digest
from apps.approvals.texts import ticket_from
from apps.approvals.transitions import RequestAction
from apps.errors import Conflict, InvalidInput
from apps.texts import text_from

SHORTEST_REASON = 30  # characters


def ask(
    request_id: int, *, reason: str, ticket: str, evidence_digest: str | None, password: str = "", by: User
) -> Bypass:
    """Ask to apply a request past its policy; nothing moves before a second person confirms.

    `reason` has at least 30 characters; `ticket` is a name or an https address; `evidence_digest` is of the evidence
    that was read. Raises NotVisible, NotAllowed, WrongState, InvalidInput, and Conflict: asked for already, nothing to
    bypass, or the evidence is not what was read.
    """
    confirmation = signing.confirm(by, password)
    try:
        with attempted(RequestAction.ASK_BYPASS, request_id, by=by) as (trial, request):
            reason, ticket = _reason_from(reason), ticket_from(ticket, needed=True)
            confirmed = check_password(confirmation, by, request)
            seen_digest(request, evidence_digest)
            _check_fresh(request)
            dropping.drop_asked(request, _("It was asked for again: nobody could confirm it any more."), by=trial.by)
            bypass = _save_only_one(
                Bypass(
                    request=request,
                    asked_by=by,
                    reason=reason,
                    ticket=ticket,
                    evidence_digest=request.evidence_digest,
                )
            )
            trial.done(
                reason=reason,
                ticket=ticket,
                evidence_digest=request.evidence_digest,
                goes_past=_goes_past(request),
                confirmed_with=confirmed,
            )
    except EvidenceChanged:
        advancing.reconsider(request_id)
        raise
    return bypass


def confirm(request_id: int, *, evidence_digest: str | None, password: str = "", by: User) -> ApprovalRequest:
    """Confirm a bypass as the second person: the request is approved, and a worker applies it at once.

    Raises NotVisible, NotAllowed, WrongState, InvalidInput, RuleViolation (the asker, the requester, whoever made the
    version), and Conflict: nothing to confirm, or the evidence changed since it was asked.
    """
    confirmation = signing.confirm(by, password)
    with attempted(RequestAction.CONFIRM_BYPASS, request_id, by=by) as (trial, request):
        confirmed = check_password(confirmation, by, request)
        bypass = standing_bypass(request)
        if bypass is None:
            raise LookupError(f"request {request_id} has no bypass, and none of its rules said so")
        seen_digest(request, evidence_digest)
        _check_same(request, bypass)
        before, went_past = {"state": str(request.state)}, _goes_past(request)
        refresh_evidence(request)
        advancing.keep_findings(request)
        now = timezone.now()
        Bypass.objects.filter(pk=bypass.pk).update(confirmed_by=by, confirmed_at=now)
        expediting.expedite(request, now)
        request.bypassed = True
        request.save(update_fields=[*expediting.FIELDS, "updated_at"])
        owed = expediting.owe_review(request, now)
        waiting.note(request)
        advancing.enqueue_apply(request, requested_by=by.get_username())
        trial.done(
            reason=bypass.reason,
            before=before,
            after={"state": str(request.state)},
            asked_by=bypass.asked_by.get_username(),
            ticket=bypass.ticket,
            evidence_digest=request.evidence_digest,
            went_past=went_past,
            review_due=owed.due_at.isoformat(),
            confirmed_with=confirmed,
        )
    return request


def take_back(request_id: int, *, reason: str = "", by: User) -> None:
    """Drop a bypass that nobody has confirmed: the asker, or anybody who could confirm it, thinks better of it.

    Raises NotVisible, NotAllowed, WrongState, InvalidInput, and Conflict when none waits.
    """
    with attempted(RequestAction.DROP_BYPASS, request_id, by=by) as (trial, request):
        reason = text_from(reason, field="reason", needed=False)
        bypass = standing_bypass(request)
        if bypass is None:
            raise LookupError(f"request {request_id} has no bypass, and none of its rules said so")
        Bypass.objects.filter(pk=bypass.pk).update(dropped_at=timezone.now())
        trial.done(reason=reason, asked_by=bypass.asked_by.get_username())


def _reason_from(text: str) -> str:
    text = text_from(text, field="reason")
    if len(text) < SHORTEST_REASON:
        message = _("Say in at least %(least)s characters what happens if this waits; this has %(length)s.")
        raise InvalidInput(message % {"least": SHORTEST_REASON, "length": len(text)}, field="reason")
    return text


def _check_fresh(request: ApprovalRequest) -> None:
    """Raise EvidenceChanged when the mirror no longer says what the request shows."""
    if found := unchanged.changes_since(request, request.evidence):
        message = _("The evidence changed: %(fields)s. Read it again, then ask.")
        raise EvidenceChanged(message % {"fields": fields_in_words(found)}, field="evidence_digest")


def _check_same(request: ApprovalRequest, bypass: Bypass) -> None:
    """Raise Conflict when the evidence is not the one on which the first person asked."""
    asked_on = evidence.kept(request, bypass.evidence_digest)
    found = unchanged.changes_since(request, asked_on) if asked_on else []
    if asked_on and not found:
        return
    message = _("The evidence changed since %(person)s asked: %(fields)s. Look at it again and ask for a new bypass.")
    fields = fields_in_words(found) or _("what it was is not kept")
    raise Conflict(message % {"person": bypass.asked_by, "fields": fields}, field="evidence_digest")


def _goes_past(request: ApprovalRequest) -> list[str]:
    """Return in sentences what keeps the request from being applied: what the bypass goes past."""
    return [row.sentence for row in blockers.why_blocked(request)]


def _save_only_one(bypass: Bypass) -> Bypass:
    """Save a bypass, or raise Conflict when there is one: the database decides."""
    try:
        with transaction.atomic():
            bypass.save()
    except IntegrityError as error:
        raise Conflict(_("Somebody asked for a bypass already. It waits for a second person.")) from error
    return bypass
