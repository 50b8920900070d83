"""What people type on the pages of drift. Forms parse; services decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.approvals.exceptional.forms import MAX_PASSWORD
from apps.approvals.models import DriftKind, DriftState
from apps.texts import MAX_TEXT

ATTENTION, SETTLED = "attention", "settled"


class DriftFilter(forms.Form):
    """Which findings the inbox shows."""

    show = forms.ChoiceField(
        required=False,
        choices=[("", ""), (ATTENTION, _("Needs attention")), (SETTLED, _("Settled"))],
        widget=forms.HiddenInput,
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("Any kind")), *DriftKind.choices])
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("Any state")), *DriftState.choices])
    connection = forms.CharField(label=_("MLflow server"), required=False, max_length=60)
    page = forms.IntegerField(required=False, min_value=1, max_value=1_000_000, widget=forms.HiddenInput)


class DriftActForm(forms.Form):
    """Do something about a finding. What can be done, and by whom, is the service's to say."""

    action = forms.CharField(max_length=40)
    reason = forms.CharField(max_length=MAX_TEXT, required=False, strip=True)
    found = forms.CharField(max_length=MAX_TEXT, required=False, strip=False)
    password = forms.CharField(max_length=MAX_PASSWORD, required=False, strip=False)


class ProtectForm(forms.Form):
    """Protect an alias on every model."""

    alias = forms.CharField(
        label=_("Alias"),
        max_length=255,
        help_text=_("As in MLflow, without @."),
        widget=forms.TextInput(attrs={"placeholder": "champion", "autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Kept in the audit trail."),
        error_messages={"required": _("Write why this alias is protected. It is kept in the trail.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "protect_%s")  # beside the form of a policy
        super().__init__(*args, **kwargs)


class UnprotectForm(forms.Form):
    """Protect an alias no longer."""

    alias = forms.CharField(max_length=255)
    reason = forms.CharField(max_length=MAX_TEXT, required=False)
