"""What admins write to set a control. Forms parse; services decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.compliance.controls.outcomes import Column
from apps.compliance.controls.table import CONTROLS
from apps.compliance.models import Severity
from apps.texts import MAX_TEXT


class ControlForm(forms.Form):
    """One setting of one control."""

    control = forms.ChoiceField(choices=[(one.name, one.label) for one in CONTROLS], widget=forms.HiddenInput)
    seen = forms.IntegerField(min_value=0, max_value=2**31 - 2, widget=forms.HiddenInput)
    enabled = forms.BooleanField(label=_("On"), required=False)
    tiers = forms.CharField(
        label=_("Risk tiers"),
        required=False,
        max_length=5000,
        help_text=_("Separated by commas. Empty: it is asked of every model."),
    )
    severity = forms.ChoiceField(label=_("Severity"), choices=Severity.choices)
    reason = forms.CharField(label=_("Reason"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2}))

    @classmethod
    def of(cls, column: Column, data: Any = None) -> "ControlForm":
        """Return the form of a control as it is set, or as somebody just filled it in."""
        setting = column.setting
        initial = {
            "control": column.control.name,
            "seen": setting.number,
            "enabled": setting.enabled,
            "tiers": ", ".join(setting.tiers),
            "severity": setting.severity,
        }
        return cls(data, initial=initial, auto_id=f"id_{column.control.name}_%s")

    def values(self) -> dict[str, Any]:
        """Return what the service takes."""
        return {**self.cleaned_data, "tiers": self.cleaned_data["tiers"].split(",")}
