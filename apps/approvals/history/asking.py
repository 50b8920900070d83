"""What people and programs ask of the past. Moments are in UTC unless they name a zone."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.errors import InvalidInput
from apps.registry.models import Stage

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
STAGES = [stage for stage in Stage.choices if stage[0] != Stage.NONE]  # nobody asks what was nowhere


def moment(text: str, *, field: str) -> datetime:
    """Read "2026-05-03", "2026-05-03T12:00" or "2026-05-03T14:00+02:00"; a day alone is its beginning.

    Raises InvalidInput for what is no moment, for the future, and for what lies before MLflow's time begins.
    """
    found = _parsed(text.strip())
    if found is None:
        message = gettext(
            "A moment is written as 2026-05-03 or 2026-05-03T12:00, in UTC, or with its zone: 2026-05-03T14:00+02:00 "
            "(in an address, %%2B for the plus)."
        )
        raise InvalidInput(message.replace("%%", "%"), field=field)
    at = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    if at > timezone.now():
        raise InvalidInput(gettext("This moment is still to come. Choose one in the past."), field=field)
    if at < EARLIEST:
        raise InvalidInput(gettext("Choose a moment after 1970."), field=field)
    return at.astimezone(UTC)


def _parsed(text: str) -> datetime | None:
    try:
        if at := parse_datetime(text):
            return at
        day = parse_date(text)
    except ValueError:  # well written, and no such day
        return None
    return datetime(day.year, day.month, day.day) if day else None  # noqa: DTZ001 - the caller gives it its zone


class MomentField(forms.CharField):
    """A moment, as `moment` reads it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return moment(text, field="date")
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from error


class AsOfForm(forms.Form):
    """Which moment the page shows, of which model, or which stage of all models."""

    date = MomentField(label=_("Moment (UTC)"), required=False, max_length=40)
    model = forms.CharField(
        label=_("Model"),
        required=False,
        strip=False,
        help_text=_("Its exact name. Empty: every model."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    stage = forms.ChoiceField(label=_("Stage"), required=False, choices=[("", _("Production")), *STAGES])

    def clean_stage(self) -> str:
        """Return the stage for lists of every model."""
        return self.cleaned_data["stage"] or str(Stage.PRODUCTION)
