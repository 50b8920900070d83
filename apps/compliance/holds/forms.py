"""What people write to set a hold. Forms parse; services decide."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.texts import MAX_TEXT


class HoldForm(forms.Form):
    """A hold on a model or on one version."""

    model = forms.CharField(label=_("Model"), strip=False, help_text=_("Its exact name."), max_length=1000)
    version = forms.IntegerField(
        label=_("Version"),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text=_("Empty: the model with all its versions."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Which matter it is for. Whoever may read the model reads this."),
    )
