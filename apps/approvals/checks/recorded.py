"""Checks of what is recorded about a version."""

import math
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.approvals.checks.outcomes import Finding, Outcome, Subject
from apps.modelcards import queries as cards
from apps.modelcards.models import CardState
from apps.modelcards.summary import without_block
from apps.registry.models import DetailsState, Stage


def details_were_read(subject: Subject) -> Finding:
    """The run, the MLmodel file and the requirements could be read and understood."""
    version = subject.version
    if version.details_state == DetailsState.LOADED and not version.details_error:
        return Outcome.PASS, _("The run and the model's files were read.")
    problem = version.details_error or _("They have not been read yet.")
    return Outcome.FAIL, _("The run or the model's files could not be read: %(problem)s") % {"problem": problem}


def has_signature(subject: Subject) -> Finding:
    """The schema of inputs and outputs is recorded."""
    if subject.version.signature:
        return Outcome.PASS, _("The signature is recorded.")
    return Outcome.FAIL, _("No signature: nobody can tell which columns the model takes. Log it with infer_signature.")


def has_input_example(subject: Subject) -> Finding:
    """An example input is stored beside the model."""
    if subject.version.mlmodel.get("saved_input_example_info"):
        return Outcome.PASS, _("An input example is stored with the model.")
    return Outcome.FAIL, _("No input example: the model cannot be tried out as logged.")


def has_description(subject: Subject) -> Finding:
    """Somebody wrote what this version is; what Assent writes there of the model card does not count."""
    if without_block(subject.version.description):
        return Outcome.PASS, _("The version is described.")
    return Outcome.FAIL, _("The version has no description.")


def run_finished(subject: Subject) -> Finding:
    """The training run came to its end."""
    status = subject.version.run.get("status")
    if not status:
        return Outcome.FAIL, _("No run is recorded: nobody can tell how this version was made.")
    if status == "FINISHED":
        return Outcome.PASS, _("The run finished.")
    return Outcome.FAIL, _("The run is %(status)s, not FINISHED.") % {"status": status}


def dataset_recorded(subject: Subject) -> Finding:
    """The run says which data it read."""
    datasets = subject.version.datasets
    if not datasets:
        return Outcome.FAIL, _("No data set is recorded on the run. Log it with mlflow.log_input.")
    names = ", ".join(str(row.get("name", "")) for row in datasets[:5])
    return Outcome.PASS, _("Data sets: %(names)s.") % {"names": names}


def metrics_are_recorded(subject: Subject) -> Finding:
    """At least one metric with a finite value is recorded."""
    logged = subject.version.metrics
    finite = sum(finite_number(value) for value in logged.values())
    if not logged:
        return Outcome.FAIL, _("No metric is recorded on the run. Log one with mlflow.log_metric.")
    if not finite:
        return Outcome.FAIL, _("No metric of the run is a finite number.")
    return Outcome.PASS, ngettext("%(n)s metric is recorded.", "%(n)s metrics are recorded.", finite) % {"n": finite}


def card_is_complete(subject: Subject) -> Finding:
    """All that the stage and the risk tier ask of the model card is settled.

    A card that is out of step with MLflow still counts: what MLflow says otherwise is evidence of its own. One in the
    archive does not.
    On the way to an alias as much is asked as for Production; to None and Archived, nothing.
    """
    if subject.to_stage in (Stage.NONE, Stage.ARCHIVED):
        return Outcome.NOT_APPLICABLE, _("Nothing is asked of a card on the way to %(stage)s.") % {
            "stage": subject.to_stage
        }
    card = subject.card
    if card is None:
        return Outcome.FAIL, _("There is no model card. Start one: what MLflow knows is filled in.")
    if card.state == CardState.ARCHIVED:
        return Outcome.FAIL, _("The model card is archived, so nobody stands behind it. Take it out of the archive.")
    risk, stage = subject.version.model.risk, subject.to_stage or Stage.PRODUCTION
    how = cards.completeness(card, risk, stage, asked=subject.asked)
    if how.missing:
        return Outcome.FAIL, _("%(percent)s %% of the card; missing: %(fields)s.") % {
            "percent": how.percent,
            "fields": ", ".join(str(field.label) for field, _how in how.missing),
        }
    return Outcome.PASS, ngettext(
        "The %(n)s required field of revision %(revision)s is settled.",
        "The %(n)s required fields of revision %(revision)s are settled.",
        how.wanted,
    ) % {"n": how.wanted, "revision": card.number}


def finite_number(value: Any) -> bool:
    """Return whether a recorded metric is a number that can be compared: no text, no NaN, no infinity."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond what a float holds
        return False
