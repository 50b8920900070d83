"""How lists of requests are filtered, and how any form is read. Forms parse; services decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.approvals.models import RequestState
from apps.errors import InvalidInput
from apps.registry.models import Stage

STAGE_ORDER = (Stage.PRODUCTION, Stage.STAGING, Stage.ARCHIVED, Stage.NONE)  # the one asked for most, first


class RequestFilter(forms.Form):
    """Which requests the list shows."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Any state")), ("unfinished", _("Unfinished")), *RequestState.choices],
    )
    model = forms.CharField(label=_("Model"), required=False, strip=False)
    mine = forms.BooleanField(label=_("Only mine"), required=False)
    page = forms.IntegerField(required=False, min_value=1, max_value=1_000_000, widget=forms.HiddenInput)


def cleaned(form: forms.Form) -> dict[str, Any]:
    """Return the values of a form that was filled in. Raises InvalidInput for the first field at fault."""
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise InvalidInput(f"{field}: {errors[0]}", field=field)
    return form.cleaned_data
