"""What people type into the filters of the trail."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.audit.actions import Action, Outcome, Source

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
LARGEST_ID = 2**63 - 1


class EventFilter(forms.Form):
    """Which events the page shows. Days are whole days in UTC; `before` and `after` are event numbers, for paging."""

    actor = forms.CharField(label=_("Actor"), required=False)
    action = forms.ChoiceField(label=_("Action"), required=False, choices=[("", _("Any action")), *Action.choices])
    outcome = forms.ChoiceField(label=_("Outcome"), required=False, choices=[("", _("Any outcome")), *Outcome.choices])
    source = forms.ChoiceField(label=_("Source"), required=False, choices=[("", _("Any source")), *Source.choices])
    target = forms.CharField(label=_("Target"), required=False, strip=False)
    since = forms.DateField(label=_("From"), required=False, widget=DAY, input_formats=["%Y-%m-%d"])
    until = forms.DateField(label=_("To"), required=False, widget=DAY, input_formats=["%Y-%m-%d"])
    before = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_ID, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", _("The last day is before the first. Swap the two."))
        return values
