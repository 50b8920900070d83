"""What people type into the filters of the access log."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.audit.actions import AccessOutcome
from apps.audit.forms import LARGEST_ID

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AccessFilter(forms.Form):
    """Which rows to show. Days are whole days in UTC; `before` is a row's number, for paging."""

    person = forms.CharField(label=_("Person"), required=False)
    model_id = forms.IntegerField(label=_("Model number"), required=False, min_value=1, max_value=LARGEST_ID)
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("Any outcome")), *AccessOutcome.choices]
    )
    since = forms.DateField(label=_("From"), required=False, widget=DAY, input_formats=["%Y-%m-%d"])
    until = forms.DateField(label=_("To"), required=False, widget=DAY, input_formats=["%Y-%m-%d"])
    before = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", _("The last day is before the first. Swap the two."))
        return values
