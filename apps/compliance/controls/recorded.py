"""Controls of what is recorded: in the trail, and about the version in Production."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.approvals.checks.environment import requirements_are_pinned
from apps.approvals.checks.outcomes import Outcome as CheckOutcome
from apps.approvals.checks.outcomes import Subject
from apps.audit.event_types import EventType
from apps.compliance.controls.outcomes import Facts, Finding, Outcome, Placed, Required
from apps.compliance.controls.served import each_in_production, not_of_the_past
from apps.registry.addresses import model_address, version_address
from apps.registry.models import DetailsState, Stage


def events_are_present(facts: Facts) -> Finding:
    """The trail holds each event that the model's state, its versions' and its grants ask for."""
    url = model_address(facts.model.reference)
    if not facts.missing:
        return Finding(Outcome.MET, _("Every required event is in the trail."), url)
    first, more = facts.missing[0], len(facts.missing) - 1
    reason = _lack(facts, first)
    if more:
        further = ngettext("%(number)s further event is missing.", "%(number)s further events are missing.", more)
        reason = f"{reason} {further % {'number': more}}"
    return Finding(
        Outcome.NOT_MET, reason, version_address(facts.model.reference, first.number) if first.number else url
    )


def _lack(facts: Facts, lacks: Required) -> str:
    """Say which event is missing, and why it must be there."""
    names = {"version": f"v{lacks.number}", "stage": lacks.stage, "event": lacks.kind.value, "holder": lacks.holder}
    if lacks.kind is EventType.MODEL_REGISTERED:
        return _("The trail holds no model_registered of this model.")
    if lacks.kind is EventType.PERMISSION_CHANGED:
        return _("The grants of %(holder)s on this model changed, and the trail holds no %(event)s of it.") % names
    if lacks.kind is EventType.MODEL_DELETED:
        return _("%(version)s is gone from MLflow, and the trail holds no %(event)s of it.") % names
    if lacks.kind is EventType.MODEL_DEPLOYED:
        text = _("%(version)s is in %(stage)s, and the trail holds no %(event)s of it: no request brought it there.")
        return text % names
    if any(placed.placement.at_latest and placed.version.number == lacks.number for placed in facts.placed):
        text = _(
            "%(version)s is in %(stage)s, and the trail holds no %(event)s of it: it was there before Assent looked."
        )
        return text % names
    return _("%(version)s is in %(stage)s, and the trail holds no %(event)s of it.") % names


def is_described(facts: Facts) -> Finding:
    """Somebody wrote what is in Production. It stands in for the model card, which Assent does not keep yet."""
    return not_of_the_past(facts) or each_in_production(facts, _described)


def _described(facts: Facts, placed: Placed) -> Finding:
    url, version = version_address(facts.model.reference, placed.version.number), f"v{placed.version.number}"
    if facts.model.description.strip() or placed.version.description.strip():
        return Finding(Outcome.MET, _("The model or %(version)s has a description.") % {"version": version}, url)
    text = _("Neither the model nor %(version)s has a description. Write one in MLflow.")
    return Finding(Outcome.NOT_MET, text % {"version": version}, url)


def dependencies_are_pinned(facts: Facts) -> Finding:
    """Each requirement of what is in Production names exactly one version."""
    return not_of_the_past(facts) or each_in_production(facts, _pinned)


def _pinned(facts: Facts, placed: Placed) -> Finding:
    version = placed.version
    url = version_address(facts.model.reference, version.number)
    if version.details_state != DetailsState.LOADED:
        text = _("The files of %(version)s are not read. Sync it.")
        return Finding(Outcome.UNKNOWN, text % {"version": f"v{version.number}"}, url)
    outcome, detail = requirements_are_pinned(Subject(version, Stage.PRODUCTION, None))
    return Finding(Outcome.MET if outcome == CheckOutcome.PASS else Outcome.NOT_MET, str(detail), url)
