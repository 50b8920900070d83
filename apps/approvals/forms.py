"""What people type on the pages of the sign-off. Forms parse; services decide."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.approvals.models import RequestState
from apps.approvals.policies import MAX_APPROVALS
from apps.approvals.texts import MAX_TEXT
from apps.errors import InvalidInput
from apps.registry.connections import named
from apps.registry.models import RegisteredModel, Stage
from apps.registry.queries import visible_models

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


class PolicyForm(forms.Form):
    """Publish what a stage demands from now on."""

    stage = forms.ChoiceField(label=_("Stage"), choices=[(stage.value, stage.label) for stage in STAGE_ORDER])
    required_approvals = forms.IntegerField(
        label=_("Approvals"),
        min_value=1,
        max_value=MAX_APPROVALS,
        initial=1,
        help_text=_("How many people must approve."),
    )
    model = forms.CharField(
        label=_("Only for the model"),
        required=False,
        strip=False,
        help_text=_("The exact name of one model. Empty: all models without a policy of their own."),
        widget=forms.TextInput(attrs={"placeholder": _("all models"), "autocomplete": "off"}),
    )
    group = forms.ModelChoiceField(
        label=_("From"),
        queryset=Group.objects.order_by("name"),
        required=False,
        empty_label=_("Any reviewer of the model"),
        help_text=_("With a group, only its members who review the model count."),
    )
    archive_existing = forms.BooleanField(
        label=_("Propose to archive the version that is in the stage"), required=False, initial=True
    )
    revert_drift = forms.BooleanField(
        label=_("Revert drift at once"),
        required=False,
        help_text=_("A version that MLflow moves into this stage, or out of it, without a decision is moved back."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept in the history and in the audit trail."),
        error_messages={"required": _("Write why the policy changes. It is kept in the history.")},
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by

    def clean_model(self) -> RegisteredModel | None:
        """Turn the name into the model, as this person sees it."""
        name = self.cleaned_data["model"]
        if not name.strip():
            return None
        found = visible_models(self.by).filter(named(name), deleted_at=None).first()
        if found is None:
            raise ValidationError(_("There is no model of this name. Copy it from the model's page."))
        return found


def cleaned(form: forms.Form) -> dict[str, Any]:
    """Return the values of a form that was filled in. Raises InvalidInput for the first field at fault."""
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise InvalidInput(f"{field}: {errors[0]}", field=field)
    return form.cleaned_data
