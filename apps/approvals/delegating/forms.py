"""What people type about delegations. Forms parse; services decide."""

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.registry.connections import named
from apps.registry.models import RegisteredModel
from apps.registry.queries import visible_models
from apps.texts import MAX_TEXT

MAX_NAME = 150
SHOWN = ("current", "ended")


class DelegationFilter(forms.Form):
    """Which delegations the page shows."""

    show = forms.ChoiceField(required=False, choices=[("", ""), *((name, name) for name in SHOWN)])
    page = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)


class DelegationForm(forms.Form):
    """Lend one's reviews. Days are whole days in UTC."""

    delegate = forms.CharField(
        label=_("To"),
        max_length=MAX_NAME,
        help_text=_("The user name of whoever reviews for you."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    starts = forms.DateField(
        label=_("From"), required=False, help_text=_("Empty: from now on."), widget=forms.DateInput({"type": "date"})
    )
    ends = forms.DateField(label=_("Until"), help_text=_("The last day."), widget=forms.DateInput({"type": "date"}))
    model = forms.CharField(
        label=_("Only for the model"),
        required=False,
        strip=False,
        help_text=_("The exact name of one model. Empty: every model that you review."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    delegator = forms.CharField(
        label=_("For"),
        required=False,
        max_length=MAX_NAME,
        help_text=_("The user name of somebody who is away. Empty: for yourself."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, by: User, manages: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        if not manages:
            del self.fields["delegator"]

    def clean_model(self) -> RegisteredModel | None:
        """Turn the name into the model, as this person sees it."""
        name = self.cleaned_data["model"]
        if not name.strip():
            return None
        found = None if "\0" in name else visible_models(self.by).filter(named(name), deleted_at=None).first()
        if found is None:
            raise ValidationError(_("There is no model of this name. Copy it from the model's page."))
        return found

    def terms(self) -> dict[str, Any]:
        """Return what was written, as the service takes it: from the beginning of a day to the end of one."""
        values = self.cleaned_data
        return {
            "delegate": values["delegate"],
            "delegator": values.get("delegator", ""),
            "model": values["model"],
            "starts_at": _starts_at(values["starts"]),
            "ends_at": datetime.combine(values["ends"], time(23, 59, 59), tzinfo=UTC),
            "reason": values["reason"],
        }


class RevokeForm(forms.Form):
    """End a delegation."""

    reason = forms.CharField(max_length=MAX_TEXT, required=False)


def _starts_at(day: date | None) -> datetime | None:
    """Return the beginning of a day; None for one that has begun: from now on."""
    start = datetime.combine(day, time(0), tzinfo=UTC) if day else None
    return start if start and start > timezone.now() else None
