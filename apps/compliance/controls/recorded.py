"""Controls of what is recorded: in the trail, and about the version in Production."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.approvals.checks.environment import are_pinned
from apps.approvals.checks.outcomes import Outcome as CheckOutcome
from apps.audit.event_types import EventType
from apps.compliance.controls.outcomes import Facts, Finding, Outcome, Placed, Required
from apps.compliance.controls.served import each_in_production, request_address
from apps.registry.addresses import model_address, version_address
from apps.registry.models import DetailsState

MOST_NAMED = 5  # fields of a card in one sentence


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
    """Somebody wrote in MLflow what is in Production. What Assent writes there of a card does not count."""
    return each_in_production(facts, _described)


def _described(facts: Facts, placed: Placed) -> Finding:
    url, version = version_address(facts.model.reference, placed.version.number), f"v{placed.version.number}"
    if facts.past:
        return _described_then(placed, version, url)
    if placed.described:
        return Finding(Outcome.MET, _("The model or %(version)s has a description.") % {"version": version}, url)
    text = _("Neither the model nor %(version)s has a description. Write one in MLflow.")
    return Finding(Outcome.NOT_MET, text % {"version": version}, url)


def _described_then(placed: Placed, version: str, url: str) -> Finding:
    """As the trail tells: each change of a description since then names what it was before."""
    if placed.described:
        text = _("The model or %(version)s had a description then, as the trail tells.")
        return Finding(Outcome.MET, text % {"version": version}, url)
    text = _("Neither the model nor %(version)s had a description then, as the trail tells.")
    return Finding(Outcome.NOT_MET, text % {"version": version}, url)


def card_is_complete(facts: Facts) -> Finding:
    """Everything that Production asks of the card was settled, by the requirement set and the revision of then."""
    return each_in_production(facts, _card)


def _card(facts: Facts, placed: Placed) -> Finding:
    url, card = version_address(facts.model.reference, placed.version.number), placed.card
    if card is None:
        then, now = _("%(version)s had no model card then."), _("%(version)s has no model card. Start one.")
        return Finding(Outcome.NOT_MET, (then if facts.past else now) % {"version": f"v{placed.version.number}"}, url)
    names = {"version": f"v{placed.version.number}", "revision": card.number, "percent": card.percent}
    if not card.lacking:
        text = _("Revision %(revision)s of the card of %(version)s holds all that is asked.")
        return Finding(Outcome.MET, text % names, url)
    more = "…" if len(card.lacking) > MOST_NAMED else ""
    fields = ", ".join(str(label) for label in card.lacking[:MOST_NAMED]) + more
    text = _("Revision %(revision)s of the card of %(version)s is %(percent)s %% complete; missing: %(fields)s.")
    return Finding(Outcome.NOT_MET, text % {**names, "fields": fields}, url)


def dependencies_are_pinned(facts: Facts) -> Finding:
    """Each requirement of what is in Production names exactly one version. Of the past: of what was signed for it."""
    return each_in_production(facts, _pinned)


def _pinned(facts: Facts, placed: Placed) -> Finding:
    if facts.past:
        return _pinned_then(facts, placed)
    version = placed.version
    url = version_address(facts.model.reference, version.number)
    if version.details_state != DetailsState.LOADED:
        text = _("The files of %(version)s are not read. Sync it.")
        return Finding(Outcome.UNKNOWN, text % {"version": f"v{version.number}"}, url)
    outcome, detail = are_pinned(version.requirements)
    return Finding(Outcome.MET if outcome == CheckOutcome.PASS else Outcome.NOT_MET, str(detail), url)


def _pinned_then(facts: Facts, placed: Placed) -> Finding:
    """By the evidence of the request that was applied; what MLflow said at other times is not kept."""
    asked, names = placed.request, {"version": f"v{placed.version.number}"}
    if asked is None:
        text = _("No applied request put %(version)s into Production, so nothing keeps what it required then.")
        return Finding(Outcome.UNKNOWN, text % names, version_address(facts.model.reference, placed.version.number))
    names["number"] = str(asked.pk)
    if placed.exchanged:
        text = _("The files of %(version)s were exchanged by then; what they required then is not kept.")
        return Finding(Outcome.UNKNOWN, text % names, request_address(asked))
    if "requirements" not in asked.evidence:
        text = _("Request %(number)s keeps no requirements: its evidence is older than they are.")
        return Finding(Outcome.UNKNOWN, text % names, request_address(asked))
    outcome, detail = are_pinned(asked.evidence["requirements"])
    text = _("As signed with request %(number)s: %(detail)s")
    said = Outcome.MET if outcome == CheckOutcome.PASS else Outcome.NOT_MET
    return Finding(said, text % {**names, "detail": detail}, request_address(asked))
