"""What happened to a request, in order: told from its reviews and its events in the trail."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.roles import ROLES
from apps.approvals.checks import CHECKS, Outcome
from apps.approvals.models import UNDER_REVIEW, ApprovalRequest, Review, Verdict
from apps.approvals.records import request_target
from apps.approvals.titles import target_of
from apps.audit.actions import Action
from apps.audit.actions import Outcome as EventOutcome
from apps.audit.models import AuditEvent

MOST = 200  # moments on one page


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    tone: str  # neutral, info, success, warning, danger
    icon: str
    who: str
    role: str
    text: str
    body: str = ""
    note: str = ""


SAID = {
    Verdict.APPROVE: ("success", "check"),
    Verdict.REQUEST_CHANGES: ("warning", "edit"),
    Verdict.REJECT: ("danger", "x"),
}
WORDS = {
    Verdict.APPROVE: gettext_lazy("approved"),
    Verdict.REQUEST_CHANGES: gettext_lazy("asked for changes"),
    Verdict.REJECT: gettext_lazy("rejected"),
}
TOLD_BY_REVIEWS = (Action.REQUEST_REVIEWED, Action.REQUEST_REJECTED)
REASON_SHOWN_ABOVE = (
    Action.REQUEST_DRAFTED,
    Action.REQUEST_OPENED,
    Action.REQUEST_APPLIED,
)  # the request's own reason, on the page already


def events_of(asked: ApprovalRequest) -> list[AuditEvent]:
    """Return what the trail says happened to a request, oldest first; refused attempts are in the trail alone."""
    target = request_target(asked)
    events = AuditEvent.objects.filter(target_type=target.type, target=target.name, model_id=target.model_id)
    return list(events.exclude(outcome=EventOutcome.REFUSED).order_by("id")[:MOST])


def archived_numbers(events: list[AuditEvent]) -> list[int]:
    """Return the numbers of the versions that were archived when the request was applied."""
    applied = [event for event in events if event.action == Action.REQUEST_APPLIED]
    return [int(number) for event in applied for number in event.data.get("archived", [])]


def timeline(asked: ApprovalRequest, reviews: list[Review], events: list[AuditEvent]) -> list[Moment]:
    """Return the moments of a request, oldest first: opened, reviews, dismissals, apply, failures."""
    told = [_event_moment(event, asked) for event in events if event.action not in TOLD_BY_REVIEWS]
    moments = [moment for moment in told if moment] + [_review_moment(review, asked) for review in reviews]
    return sorted(moments, key=lambda moment: moment.at)


def _review_moment(review: Review, asked: ApprovalRequest) -> Moment:
    tone, icon = SAID[Verdict(review.verdict)] if review.standing else ("neutral", "minus")
    text = str(WORDS[Verdict(review.verdict)])
    note = "" if review.standing else _("No longer counts: %(why)s") % {"why": review.dismissed_because}
    if review.verdict == Verdict.REJECT:
        note = checks_in_words({row["name"]: row["outcome"] for row in asked.checks})
    return Moment(
        at=review.created_at,
        tone=tone,
        icon=icon,
        who=_speaker(review),
        role=in_words(review.reviewer_role),
        text=text,
        body=review.comment,
        note=note,
    )


def _speaker(review: Review) -> str:
    """Return who gave a review, and for whom: "bob", "bob for erin"."""
    name = review.reviewer.get_username()
    if review.counts_for_id == review.reviewer_id:
        return name
    return _("%(person)s for %(absent)s") % {"person": name, "absent": review.counts_for.get_username()}


def _event_moment(event: AuditEvent, asked: ApprovalRequest) -> Moment | None:
    names = {"target": target_of(asked), "version": f"v{asked.version.number}"}
    tone, icon, text = _sentences(_asked(asked)).get(
        Action(event.action), ("neutral", "circle", event.get_action_display())
    )
    if event.action == Action.REQUEST_EVIDENCE_CHANGED and not event.data.get("dismissed"):
        tone, icon, text = "info", "edit", _("The evidence changed; no review was dismissed")
    if event.outcome == EventOutcome.FAILED and event.action != Action.REQUEST_APPLY_FAILED:
        tone, icon, text = "danger", "alert", _("%(what)s: failed") % {"what": event.get_action_display()}
    named = not event.actor.startswith("system:") and event.action != Action.REQUEST_APPROVED
    who, role = (event.actor, in_words(event.actor_role)) if named else ("", "")
    body = "" if event.action in REASON_SHOWN_ABOVE else event.reason
    note = checks_in_words(_outcomes(event, asked))
    return Moment(event.at, tone, icon, who, role, text % names, body, note)


def _outcomes(event: AuditEvent, asked: ApprovalRequest) -> dict[str, str]:
    """Return what the checks said when this event ended the review, by name; nothing for other events."""
    if event.action == Action.REQUEST_APPROVED:
        return event.data.get("checks") or {}
    closed_here = event.action == Action.REQUEST_WITHDRAWN and event.data.get("before", {}).get("state") in UNDER_REVIEW
    return {row["name"]: row["outcome"] for row in asked.checks} if closed_here else {}


def checks_in_words(outcomes: dict[str, str]) -> str:
    """Return "5 of 7 checks passed. Not passed: Description, Requirements pinned."; empty without checks."""
    applicable = {name: outcome for name, outcome in outcomes.items() if outcome != Outcome.NOT_APPLICABLE}
    if not applicable:
        return ""
    labels = {check.name: str(check.label) for check in CHECKS}
    # In the order of the table: a database keeps names in an order of its own.
    inside = sorted(applicable, key=lambda name: (list(labels).index(name) if name in labels else len(labels), name))
    missed = [labels.get(name, name) for name in inside if applicable[name] != Outcome.PASS]
    counts = {"passed": len(applicable) - len(missed), "total": len(applicable)}
    sentence = _("%(passed)s of %(total)s checks passed.") % counts
    return sentence + (" " + _("Not passed: %(names)s.") % {"names": ", ".join(missed)} if missed else "")


def in_words(role: str) -> str:
    """Return role names of the trail as people read them: "ml_engineer, reviewer" → "ML engineer, Reviewer"."""
    return ", ".join(str(ROLES[name].label) if name in ROLES else name for name in role.split(", "))


def _asked(asked: ApprovalRequest) -> str:
    """Return what the requester asked for, with the names that `_event_moment` fills in."""
    return (
        _("asked to point %(target)s to %(version)s") if asked.alias else _("asked to move %(version)s to %(target)s")
    )


def _sentences(asked_in_words: str) -> dict[Action, tuple[str, str, str]]:
    """Return tone, icon and words of each event; after a person's name, or alone for what Assent did itself."""
    return {
        Action.REQUEST_DRAFTED: ("neutral", "edit", _("drafted the request")),
        Action.REQUEST_OPENED: ("info", "plus", asked_in_words),
        Action.REQUEST_REMINDED: ("info", "bell", _("Those who can decide were reminded")),
        Action.REQUEST_EXPIRED: ("warning", "clock", _("The time for this request was over")),
        Action.REQUEST_SUPERSEDED: ("neutral", "swap", _("closed the request for a newer one")),
        Action.REQUEST_REPINNED: ("warning", "shield", _("put the request under the present policy")),
        Action.REQUEST_OBJECTION_DISMISSED: ("warning", "minus", _("dismissed an objection")),
        Action.REQUEST_RECERTIFIED: ("success", "check-circle", _("recertified the approval")),
        Action.REQUEST_RECERTIFY_DUE: ("info", "bell", _("The approval ends soon; reviewers were told")),
        Action.REQUEST_RECERTIFY_OVERDUE: ("warning", "clock", _("The approval ended, and has not lapsed yet")),
        Action.REQUEST_LAPSED: ("warning", "clock", _("The approval lapsed: nobody recertified it in time")),
        Action.CHECK_WAIVED: ("warning", "shield", _("waived a check")),
        Action.WAIVER_REVOKED: ("neutral", "undo", _("revoked a waiver")),
        Action.CONDITION_MET: ("success", "check", _("met a condition")),
        Action.CONDITION_OVERDUE: ("warning", "clock", _("A condition was not met in time; its approval was revoked")),
        Action.BYPASS_ASKED: ("danger", "alert", _("asked to bypass the policy")),
        Action.BYPASS_CONFIRMED: ("danger", "alert", _("confirmed the bypass of the policy")),
        Action.AFTER_REVIEW_DONE: ("info", "check", _("reviewed it afterwards")),
        Action.AFTER_REVIEW_OVERDUE: ("warning", "clock", _("The review afterwards is overdue")),
        Action.ROLLBACK_ASKED: ("warning", "undo", _("asked to roll back to %(version)s")),
        Action.REQUEST_APPROVED: ("success", "check-circle", _("All approvals needed are given")),
        Action.REQUEST_EVIDENCE_CHANGED: ("warning", "alert", _("The evidence changed; reviews were dismissed")),
        Action.REQUEST_REOPENED: ("warning", "undo", _("It went back to review")),
        Action.REQUEST_REVIEWS_DISMISSED: ("warning", "alert", _("Reviews were dismissed")),
        Action.REQUEST_APPLY_STARTED: ("info", "sync", _("Assent began to write %(target)s to MLflow")),
        Action.REQUEST_APPLIED: ("success", "production", _("MLflow confirmed %(target)s")),
        Action.REQUEST_APPLY_FAILED: ("danger", "alert", _("Assent could not write %(target)s to MLflow")),
        Action.REQUEST_RETRIED: ("info", "sync", _("asked Assent to try again")),
        Action.REQUEST_WITHDRAWN: ("neutral", "undo", _("withdrew the request")),
    }
