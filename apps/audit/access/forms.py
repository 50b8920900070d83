"""What people type into the filters of the access log."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.audit import filters
from apps.audit.actions import AccessOutcome
from apps.audit.forms import LARGEST_ID, NUMBER, WORD
from apps.errors import InvalidInput

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AccessFilter(forms.Form):
    """Which rows to show. Days are whole days in UTC; `before` is a row's number, for paging."""

    person = forms.CharField(label=_("Person"), required=False)
    model = forms.CharField(label=_("Model"), **WORD)
    model_id = forms.IntegerField(min_value=1, **NUMBER)
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("Any outcome")), *AccessOutcome.choices]
    )
    since = forms.DateField(label=_("From"), required=False, widget=DAY, input_formats=["%Y-%m-%d"])
    until = forms.DateField(label=_("To"), required=False, widget=DAY, input_formats=["%Y-%m-%d"])
    before = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        self.user = user

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        try:
            values = filters.with_model(values, self.user)
        except InvalidInput as error:
            self.add_error(error.field, error.message)
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", _("The last day is before the first. Swap the two."))
        return values
