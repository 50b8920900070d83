"""What people type and choose about notifications and webhooks. Forms parse; services decide."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.notifications import preferences
from apps.notifications.endpoints import MAX_NAME
from apps.notifications.models import DeliveryState, Endpoint, Kind, MailChoice, Preferences
from apps.notifications.queueing import FAMILIES
from apps.notifications.safe_http import MAX_URL

MAX_REFERENCES = 30_000  # characters
LARGEST = 2**63 - 1
HOURS = [(hour, f"{hour:02}:00") for hour in range(24)]
FAMILY_LABELS = {
    "access_review.*": _("Access reviews"),
    "after_review.*": _("Reviews afterwards"),
    "alias.*": _("Protected aliases"),
    "audit.*": _("Exports of the trail"),
    "bypass.*": _("Bypasses"),
    "card.*": _("Model cards"),
    "check.*": _("Checks"),
    "checkpoint.*": _("Checkpoints of the trail"),
    "condition.*": _("Conditions"),
    "conflict.*": _("Separation of duties"),
    "connection.*": _("Connections to MLflow"),
    "control.*": _("Controls"),
    "delegation.*": _("Delegations"),
    "drift.*": _("Drift"),
    "evidence.*": _("Evidence packages"),
    "factor.*": _("Second factors"),
    "freeze.*": _("Freezes"),
    "grant.*": _("Roles"),
    "group.*": _("Groups"),
    "hold.*": _("Legal holds"),
    "identity.*": _("Single sign-on"),
    "invitation.*": _("Invitations"),
    "membership.*": _("Members of groups"),
    "metric.*": _("Metric directions"),
    "model.*": _("Models"),
    "notifications.*": _("Notification choices"),
    "password.*": _("Passwords"),
    "policy.*": _("Policies"),
    "request.*": _("Requests and reviews"),
    "rollback.*": _("Rollbacks"),
    "session.*": _("Signing in and out"),
    "signing_key.*": _("Keys of the trail"),
    "sync.*": _("Syncs"),
    "token.*": _("API tokens"),
    "user.*": _("People"),
    "version.*": _("Versions"),
    "view.*": _("Saved views"),
    "waiver.*": _("Waivers"),
    "webhook.*": _("Outgoing webhooks"),
}


def _hour(label: Any, **more: Any) -> forms.TypedChoiceField:
    choices = HOURS if more.get("required", True) else [("", _("none")), *HOURS]
    return forms.TypedChoiceField(label=label, choices=choices, coerce=int, empty_value=None, **more)


def _plain(**attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", **attrs})


class PreferencesForm(forms.Form):
    """How a person hears of each kind, and when."""

    digest_hour = _hour(_("Hour of the daily mail"))
    quiet_from = _hour(_("No mail from"), required=False)
    quiet_to = _hour(
        _("until"), required=False, help_text=_("What comes meanwhile is mailed then. May go over midnight.")
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=[(name, name) for name in sorted(available_timezones())]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in preferences.CHOSEN:
            self.fields[kind.value] = forms.ChoiceField(label=kind.label, choices=MailChoice.choices)

    @property
    def kinds(self) -> list[forms.BoundField]:
        """The fields that choose for one kind each."""
        return [self[kind.value] for kind in preferences.CHOSEN]

    @property
    def hours(self) -> list[forms.BoundField]:
        """The fields about when."""
        return [self[name] for name in ("digest_hour", "quiet_from", "quiet_to", "time_zone")]

    def choices(self) -> dict[str, Any]:
        """Return what the service takes."""
        values = self.cleaned_data
        mail = {kind.value: values[kind.value] for kind in preferences.CHOSEN}
        return {"mail": mail, **{name: values[name] for name in ("digest_hour", "quiet_from", "quiet_to", "time_zone")}}


def preferences_form(saved: Preferences) -> PreferencesForm:
    """Return the form that shows a person's choices as they are."""
    described = preferences.described(saved)
    return PreferencesForm(initial={**described["mail"], **described})


class ReadForm(forms.Form):
    """Which notification to mark as read; none: all."""

    id = forms.IntegerField(min_value=1, max_value=LARGEST, required=False)


class ListFilter(forms.Form):
    """What the list of notifications is narrowed by."""

    kind = forms.ChoiceField(label=_("About"), choices=[("", _("everything")), *Kind.choices], required=False)
    page = forms.IntegerField(min_value=1, max_value=LARGEST, required=False, widget=forms.HiddenInput)


class DeliveryFilter(forms.Form):
    """What the list of deliveries is narrowed by."""

    state = forms.ChoiceField(label=_("State"), choices=[("", _("any")), *DeliveryState.choices], required=False)
    page = forms.IntegerField(min_value=1, max_value=LARGEST, required=False, widget=forms.HiddenInput)


class EndpointForm(forms.Form):
    """The settings of a webhook."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME, widget=_plain(), help_text=_("Who is told."))
    url = forms.CharField(
        label=_("Address"),
        max_length=MAX_URL,
        widget=_plain(inputmode="url", placeholder="https://hooks.example.org/assent"),
        help_text=_("https, on a public address or in a network that the installation lists."),
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Without a choice: all."),
    )
    models = forms.CharField(
        label=_("Models"),
        required=False,
        max_length=MAX_REFERENCES,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One name in each line. Empty: all that you may see."),
    )

    def __init__(self, *args: Any, listed: Iterable[str] = (), **kwargs: Any) -> None:
        """`listed` are events that are chosen already: single actions can be chosen over the API."""
        super().__init__(*args, **kwargs)
        single = [(name, name) for name in listed if name not in FAMILIES]
        self.fields["events"].choices = [(name, FAMILY_LABELS.get(name, name)) for name in FAMILIES] + single  # type: ignore[attr-defined]

    def clean_models(self) -> list[str]:
        """Split the lines. A name may begin or end with a space, so only the line's end is cut off."""
        return [line.rstrip("\r") for line in self.cleaned_data["models"].split("\n") if line.strip()]


class ResendForm(forms.Form):
    """Which delivery to send again."""

    delivery = forms.IntegerField(min_value=1, max_value=LARGEST)


def endpoint_form(endpoint: Endpoint, references: list[str]) -> EndpointForm:
    """Return the form that shows a webhook as it is."""
    initial = {"name": endpoint.name, "url": endpoint.url, "events": endpoint.events, "models": "\n".join(references)}
    return EndpointForm(initial=initial, listed=endpoint.events)
