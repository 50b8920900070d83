"""What people type about a connection. Forms parse; services decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.registry.connecting.services import DEFAULTS, revision_of
from apps.registry.connecting.settings import FIELDS, MAX_PEM, MAX_SECRET, MAX_TIMEOUT, MAX_URL, MIN_TIMEOUT
from apps.registry.models import Connection, ConnectionAuth

MOVING = _(
    "With another address Assent reads everything anew: what the new server lacks is marked as deleted here, what it "
    "has in a stage is taken as it is, without drift, and its webhook has to be registered again."
)


def _plain(**attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", **attrs})


def _address(help_text: Any = "") -> forms.CharField:
    widget = _plain(inputmode="url", placeholder="https://mlflow.example.org")
    return forms.CharField(label=_("Address"), max_length=MAX_URL, help_text=help_text, widget=widget)


class ConnectionForm(forms.Form):
    """The settings of a connection. The secret goes in and never comes out."""

    url = _address(help_text=MOVING)
    auth = forms.ChoiceField(label=_("Sign-in"), choices=ConnectionAuth.choices)
    username = forms.CharField(
        label=_("User name"),
        max_length=MAX_URL,
        required=False,
        help_text=_("With name and password."),
        widget=_plain(),
    )
    secret = forms.CharField(
        label=_("Token or password"),
        max_length=MAX_SECRET,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Stored encrypted, and never shown again."),
    )
    timeout_seconds = forms.FloatField(
        label=_("Time limit in seconds"),
        min_value=MIN_TIMEOUT,
        max_value=MAX_TIMEOUT,
        initial=DEFAULTS["timeout_seconds"],
        help_text=_("Of each call, 1 to 120."),
    )
    verify_tls = forms.BooleanField(
        label=_("Check the server's certificate"),
        required=False,
        initial=True,
        help_text=_("Without it anybody between here and MLflow can read the token and change what Assent sees."),
    )
    ca_certificates = forms.CharField(
        label=_("Trusted certificates"),
        max_length=MAX_PEM,
        required=False,
        help_text=_("PEM, besides the system's: for a server whose certificate your own authority signed."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
    )
    public_url = forms.CharField(
        label=_("Address for browsers"),
        max_length=MAX_URL,
        required=False,
        help_text=_("Where people reach MLflow's own pages. Empty: nothing links there."),
        widget=_plain(inputmode="url"),
    )
    revision = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)

    def settings(self) -> dict[str, Any]:
        """Return what the services take as settings."""
        return {field: self.cleaned_data[field] for field in FIELDS}


class NewConnectionForm(ConnectionForm):
    """A connection that is not there yet."""

    name = forms.CharField(
        label=_("Name"),
        max_length=40,
        help_text=_("Stands in addresses, as in “eu:churn”, and never changes. Small letters, digits and hyphens."),
        widget=_plain(),
    )
    url = _address()
    field_order = ["name"]


class WebhookForm(forms.Form):
    """Where MLflow is to deliver."""

    url = forms.CharField(
        label=_("Where MLflow reaches Assent"), max_length=MAX_URL, required=False, widget=_plain(inputmode="url")
    )


def settings_form(connection: Connection) -> ConnectionForm:
    """Return the form that shows a connection as it is."""
    values = {field: getattr(connection, field) for field in FIELDS}
    return ConnectionForm(initial={**values, "revision": revision_of(connection)})
