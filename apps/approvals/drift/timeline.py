"""What happened about a finding, in order, told from its events in the trail."""

from django.utils.translation import gettext as _

from apps.approvals.drift.records import drift_target
from apps.approvals.models import DriftFinding
from apps.approvals.timeline import MOST, Moment, in_words
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent

BY_NOBODY = ("mlflow", "system:drift")


def timeline(finding: DriftFinding) -> list[Moment]:
    """Return the moments of a finding, oldest first; refused attempts are in the trail alone."""
    target = drift_target(finding)
    events = AuditEvent.objects.filter(target_type=target.type, target=target.name, model_id=target.model_id)
    return [_moment(event) for event in events.exclude(outcome=Outcome.REFUSED).order_by("id")[:MOST]]


def _moment(event: AuditEvent) -> Moment:
    named = event.actor not in BY_NOBODY and not event.actor.startswith("system:")
    tone, icon, by_person, alone = _words(event)
    text = by_person if named else alone
    who, role = (event.actor, in_words(event.actor_role)) if named else ("", "")
    return Moment(event.at, tone, icon, who, role, text, event.reason)


def _words(event: AuditEvent) -> tuple[str, str, str, str]:
    """Return tone, icon, the words after a person's name, and the words where nobody acted."""
    action, data = Action(event.action), event.data
    names = {"found": data.get("found", ""), "request": data.get("request", "")}
    again = "before" in data
    return {
        Action.DRIFT_FOUND: (
            "warning",
            "alert",
            "",
            _("MLflow changed it again") if again else _("Assent saw the change in MLflow"),
        ),
        Action.DRIFT_RESOLVED: ("success", "check", "", _("MLflow and the last decision agree again")),
        Action.DRIFT_ACCEPTED: (
            "success",
            "check",
            _("accepted it"),
            _("Accepted: request %(request)s was approved and applied") % names,
        ),
        Action.DRIFT_REQUESTED: ("info", "plus", _("opened request %(request)s for it") % names, ""),
        Action.DRIFT_REVERT_STARTED: ("info", "undo", _("asked Assent to revert it"), _("Assent reverts it by itself")),
        Action.DRIFT_REVERTED: ("success", "check-circle", "", _("MLflow confirmed that it is back")),
        Action.DRIFT_REVERT_FAILED: ("danger", "alert", "", _("Assent could not revert it")),
    }.get(action, ("neutral", "circle", event.get_action_display(), event.get_action_display()))
