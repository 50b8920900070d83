"""The table of Assent's own checks. The names stand in policies and in the trail, so they never change."""

from django.utils.translation import gettext_lazy

from apps.approvals.checks.compared import metrics_not_worse, signature_fits_production
from apps.approvals.checks.environment import requirements_are_pinned
from apps.approvals.checks.outcomes import Check
from apps.approvals.checks.recorded import (
    card_is_complete,
    dataset_recorded,
    details_were_read,
    has_description,
    has_input_example,
    has_signature,
    metrics_are_recorded,
    run_finished,
)

CHECKS = (
    Check("details", gettext_lazy("Read from MLflow"), details_were_read),
    Check("signature", gettext_lazy("Signature"), has_signature),
    Check("input_example", gettext_lazy("Input example"), has_input_example),
    Check("requirements_pinned", gettext_lazy("Requirements pinned"), requirements_are_pinned),
    Check("run_finished", gettext_lazy("Run finished"), run_finished),
    Check("dataset", gettext_lazy("Data set recorded"), dataset_recorded),
    Check("description", gettext_lazy("Description"), has_description),
    Check("metrics_present", gettext_lazy("Metrics recorded"), metrics_are_recorded),
    Check("metrics", gettext_lazy("Metrics against Production"), metrics_not_worse),
    Check("signature_fits", gettext_lazy("Signature against Production"), signature_fits_production),
    Check("card", gettext_lazy("Model card"), card_is_complete),
)
