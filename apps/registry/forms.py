"""What the registry's pages take from their address. A malformed value is refused by name, never ignored."""

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.errors import InvalidInput
from apps.registry.models import MetricDirection

BY_WORDS = "words"  # in place of a direction


class DirectionForm(forms.Form):
    """Which way a metric is better. Whether it may be said, and what a name may be, the service decides."""

    metric = forms.CharField(
        label=gettext_lazy("Metric"),
        max_length=250,
        strip=False,
        help_text=gettext_lazy("The exact name, as runs log it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    direction = forms.ChoiceField(
        label=gettext_lazy("Direction"),
        choices=[*MetricDirection.CHOICES, (BY_WORDS, gettext_lazy("As the words of its name say"))],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose which way is better.")},
    )

    def clean_direction(self) -> str | None:
        """Return what the service takes."""
        chosen = self.cleaned_data["direction"]
        return None if chosen == BY_WORDS else chosen


def page_number(query: QueryDict) -> int:
    """Return the page asked for, counted from 1. Raises InvalidInput."""
    raw = query.get("page", "1")
    if not (raw.isascii() and raw.isdigit() and int(raw[:9]) > 0 and len(raw) < 10):
        raise InvalidInput(_("A page is a whole number from 1. Leave it out for the first page."), field="page")
    return int(raw)


def version_reference(query: QueryDict, field: str) -> tuple[str, int] | None:
    """Return model name and version number from "NAME@3", or None when nothing was given. Raises InvalidInput."""
    raw = query.get(field, "")
    return reference_from(raw, field) if raw else None


def version_references(query: QueryDict, field: str) -> list[tuple[str, int]]:
    """Return every model name and version number of a field that is given several times. Raises InvalidInput."""
    return [reference_from(raw, field) for raw in query.getlist(field) if raw.strip()]


def reference_from(raw: str, field: str) -> tuple[str, int]:
    """Read "NAME@3". Raises InvalidInput naming the field."""
    name, at, number = raw.rstrip().rpartition("@")
    if not (at and name and "\0" not in name and number.isascii() and number.isdigit() and len(number) < 10):
        raise InvalidInput(_("A version is written as NAME@NUMBER, for example churn@3."), field=field)
    return name, int(number)
