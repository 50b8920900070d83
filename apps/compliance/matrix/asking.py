"""What people ask of the matrix, on the page and in the address of an export."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.approvals.history.asking import MomentField
from apps.compliance.controls.table import CONTROLS
from apps.compliance.matrix.queries import Wanted

OUTCOMES = [
    ("met", _("Met")),
    ("not_met", _("Not met")),
    ("unknown", _("Unknown")),
    ("not_applicable", _("Does not apply")),
]


class MatrixFilter(forms.Form):
    """Which models, which control, and at which moment."""

    q = forms.CharField(label=_("Search"), required=False, max_length=250)
    risk = forms.CharField(label=_("Risk tier"), required=False, max_length=250)
    control = forms.ChoiceField(
        label=_("Control"),
        required=False,
        choices=[("", _("All")), *((control.name, control.label) for control in CONTROLS)],
    )
    outcome = forms.ChoiceField(label=_("Outcome"), required=False, choices=[("", _("Any")), *OUTCOMES])
    date = MomentField(label=_("Moment (UTC)"), required=False, max_length=40)

    def clean_q(self) -> str:
        """Return the text to search for. Raises ValidationError for what no text can hold."""
        text: str = self.cleaned_data["q"]
        return text.replace("\0", "")


def wanted(values: dict[str, Any]) -> Wanted:
    """Return what a valid form asks for."""
    return Wanted(
        at=values["date"],
        q=values["q"],
        risk=values["risk"],
        control=values["control"],
        outcome=values["outcome"],
    )
