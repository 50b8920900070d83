"""What people type about checks. Forms parse; services decide."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.approvals.checks.terms import MAX_WAIVER_DAYS
from apps.texts import MAX_TEXT

NO_REASON = _("Write why this may pass all the same. It is kept with the request.")


class WaiveForm(forms.Form):
    """Answer for a check. Which can be waived, and by whom, is the service's to say."""

    check = forms.CharField(max_length=120, widget=forms.HiddenInput, label=_("Check"))
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Why this may pass all the same, and who takes care of it. It is kept with your name."),
        error_messages={"required": NO_REASON},
    )
    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=MAX_WAIVER_DAYS,
        initial=14,
        help_text=_("From 1 to 90. Afterwards the check counts again."),
    )


class RevokeForm(forms.Form):
    """Take a waiver back."""

    reason = forms.CharField(max_length=MAX_TEXT, error_messages={"required": _("Write why the waiver is revoked.")})
