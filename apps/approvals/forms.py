"""What people type on the pages of the sign-off. Forms parse; services decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.approvals.models import RequestState
from apps.approvals.texts import MAX_TEXT
from apps.errors import InvalidInput
from apps.registry.models import Stage

STAGE_ORDER = (Stage.PRODUCTION, Stage.STAGING, Stage.ARCHIVED, Stage.NONE)  # the one asked for most, first


class RequestForm(forms.Form):
    """Ask to move a version to another stage."""

    to_stage = forms.ChoiceField(
        label=_("Move to"),
        widget=forms.RadioSelect,
        choices=[(stage.value, stage.label) for stage in STAGE_ORDER],  # the service says which it cannot be
    )
    archive_existing = forms.BooleanField(label=_("Archive the version that is there now"), required=False)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Why now, what you tested, how to go back. Reviewers read this first."),
        error_messages={"required": _("Write why this version should move. Reviewers read this first.")},
    )


class ActForm(forms.Form):
    """Act on a request. Which actions exist, and who may take them, is the service's to say."""

    action = forms.CharField(max_length=40)
    comment = forms.CharField(max_length=MAX_TEXT, required=False, strip=True)
    evidence_digest = forms.CharField(max_length=64, required=False)


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
