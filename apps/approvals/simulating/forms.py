"""What is asked: a person, a permission, a model."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import permission_choices

MAX_NAME = 150


class MayForm(forms.Form):
    """May X do Y on Z? Names are turned into rows by the view, as the person who asks sees them."""

    person = forms.CharField(
        label=_("Who"), required=False, max_length=MAX_NAME, help_text=_("A user name. Empty: yourself."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    permission = forms.ChoiceField(label=_("May"), choices=permission_choices)
    model = forms.CharField(
        label=_("On the model"), required=False, strip=False, help_text=_("Its name. Empty: the whole registry."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
