"""Controls of what is recorded: in the trail, and about the version in Production."""

from django.utils.translation import gettext as _

from apps.approvals.checks.environment import requirements_are_pinned
from apps.approvals.checks.outcomes import Outcome as CheckOutcome
from apps.approvals.checks.outcomes import Subject
from apps.compliance.controls.outcomes import Facts, Finding, Outcome, Placed
from apps.compliance.controls.served import each_in_production, not_of_the_past
from apps.registry.addresses import model_address, version_address
from apps.registry.models import DetailsState, Stage


def events_are_present(facts: Facts) -> Finding:
    """The trail holds the registration of the model, and how each version in Production came there."""
    url = model_address(facts.model.reference)
    if not facts.registered:
        return Finding(Outcome.NOT_MET, _("The trail holds no model_registered of this model."), url)
    if found := [placed for placed in facts.placed if not placed.moved]:
        version = found[0].version
        text = _(
            "%(version)s is in Production, and the trail holds no stage_transition of it: it was there before Assent "
            "looked."
        )
        address = version_address(facts.model.reference, version.number)
        return Finding(Outcome.NOT_MET, text % {"version": f"v{version.number}"}, address)
    return Finding(Outcome.MET, _("Every required event is in the trail."), url)


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
