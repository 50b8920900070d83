"""The table of controls. The names stand in settings, clauses, exports and the trail, so they never change."""

from django.utils.translation import gettext_lazy as _

from apps.compliance.controls.decided import (
    after_reviews_are_done,
    approval_is_valid,
    evidence_is_unchanged,
    no_drift_is_open,
    recertified_in_time,
    what_is_held_is_there,
)
from apps.compliance.controls.outcomes import Control
from apps.compliance.controls.recorded import (
    card_is_complete,
    dependencies_are_pinned,
    events_are_present,
    is_described,
)
from apps.compliance.models import Severity

CONTROLS = (
    Control("approval", _("Approval"), _("What is in Production rests on an applied approval."),
            approval_is_valid, Severity.HIGH),
    Control("evidence", _("Evidence"), _("What is in Production is what was signed."),
            evidence_is_unchanged, Severity.HIGH),
    Control("drift", _("No drift"), _("MLflow says what was decided."), no_drift_is_open, Severity.HIGH),
    Control("recertification", _("Recertified"), _("The approval behind what is in Production has not run out."),
            recertified_in_time),
    Control("after_review", _("After-reviews"), _("Every bypass and rollback was reviewed afterwards."),
            after_reviews_are_done, Severity.HIGH),
    Control("events", _("Events"), _("The trail holds every event that the model's state and grants ask for."),
            events_are_present),
    Control("dependencies", _("Dependencies pinned"),
            _("Each requirement in Production names one version. Weaknesses, licences and sources are not looked at."),
            dependencies_are_pinned),
    Control("card", _("Model card"),
            _("The card of what is in Production holds all that its risk tier asks, settled by people or by MLflow."),
            card_is_complete),
    Control("description", _("Description"), _("What is in Production is described in MLflow."),
            is_described, Severity.LOW),
    Control("legal_hold", _("Legal hold"), _("What is on legal hold is there, as it was."),
            what_is_held_is_there, Severity.HIGH),
)  # fmt: skip
BY_NAME = {control.name: control for control in CONTROLS}
