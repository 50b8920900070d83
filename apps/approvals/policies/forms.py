"""What people type on the pages of policies and freezes. Forms parse; services decide."""

import re
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.accounts.assurance import SignWith
from apps.accounts.models import User
from apps.approvals import checks
from apps.approvals.models import ApprovalPolicy, Scope, Staleness
from apps.approvals.policies.checking import EXTERNAL, MAX_NAME, MAX_SCOPE
from apps.approvals.policies.content import FIELDS, MAX_APPROVALS
from apps.approvals.policies.freezes import MAX_NAME as MAX_FREEZE_NAME
from apps.registry.connections import named
from apps.registry.models import RegisteredModel, Stage
from apps.registry.queries import visible_models
from apps.texts import MAX_TEXT

STAGE_ORDER = (Stage.PRODUCTION, Stage.STAGING, Stage.ARCHIVED, Stage.NONE)  # the one asked for most, first
STAGES = [(stage.value, stage.label) for stage in STAGE_ORDER]
NO_LIMIT = {"placeholder": _("never"), "inputmode": "numeric"}
SECTIONS = (  # title, what stands in it
    (_("What it governs"), ("stage", "alias", "model", "risk", "tag_key", "tag_value")),
    (_("Who may not sign"), ("exclude_registrant", "exclude_run_owner", "exclude_last_editor", "several_rules")),
    (_("Signing"), ("staleness", "sign_with")),
    (_("Checks"), ("required_checks", "external_checks", "tolerance_percent", "main_metric")),
    (_("Times"), ("wait_minutes", "open_days", "remind_days", "approval_days", "recertify_days", "after_review_days")),
    (_("What happens in MLflow"), ("archive_existing", "moves_alias", "revert_drift", "refuse_clients")),
)


class ModelNamed(forms.CharField):
    """The name of a model that the person of the form may see; empty: no model."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"placeholder": _("all models"), "autocomplete": "off"})
        super().__init__(required=False, strip=False, widget=widget, **kwargs)


def model_named(name: str, user: User) -> RegisteredModel | None:
    """Turn a name into the model, as this person sees it. Raises ValidationError when there is none."""
    if not name.strip():
        return None
    found = visible_models(user).filter(named(name), deleted_at=None).first()
    if found is None:
        raise ValidationError(_("There is no model of this name. Copy it from the model's page."))
    return found


class RuleForm(forms.Form):
    """One rule of a policy."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=MAX_NAME,
        help_text=_("As seats show it, such as “Risk”. Empty: the group's name."),
    )
    needed = forms.IntegerField(
        label=_("People"),
        min_value=1,
        max_value=MAX_APPROVALS,
        initial=1,
        help_text=_("How many different people."),
    )
    group = forms.ModelChoiceField(
        label=_("From"),
        queryset=Group.objects.order_by("name"),
        required=False,
        empty_label=_("Any reviewer of the model"),
        help_text=_("Of a group, only members with the reviewer's duty count."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What they look at"),
        choices=Scope.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: everything."),
    )


class PolicyForm(forms.Form):
    """Everything that a policy says, its rules aside."""

    stage = forms.ChoiceField(
        label=_("Stage"),
        required=False,
        choices=[("", _("None: see the alias, or any target")), *STAGES],
        help_text=_("The stage that versions move to. With neither stage nor alias it governs every other target."),
    )
    alias = forms.CharField(
        label=_("Alias"), required=False, max_length=255, help_text=_("A protected alias instead of a stage.")
    )
    model = ModelNamed(label=_("Only for the model"), help_text=_("The exact name of one model. It goes first."))
    risk = forms.CharField(
        label=_("Only for the risk tier"),
        required=False,
        max_length=MAX_SCOPE,
        help_text=_("As the models' tags say it, such as “high”. It goes before a tag."),
    )
    tag_key = forms.CharField(label=_("Only with the tag"), required=False, max_length=MAX_SCOPE)
    tag_value = forms.CharField(
        label=_("Value of the tag"), required=False, max_length=MAX_SCOPE, help_text=_("Empty: any value.")
    )

    exclude_registrant = forms.BooleanField(label=_("Not who registered the version"), required=False)
    exclude_run_owner = forms.BooleanField(label=_("Not who ran the training"), required=False)
    exclude_last_editor = forms.BooleanField(
        label=_("Not who last wrote a part of the evidence"),
        required=False,
        help_text=_("Whoever asks never signs their own request, whatever is chosen here."),
    )
    several_rules = forms.BooleanField(
        label=_("One person may fill several rules"),
        required=False,
        help_text=_("Otherwise each person fills one rule."),
    )
    staleness = forms.ChoiceField(
        label=_("When the evidence changes, these votes fall"),
        choices=Staleness.choices,
        help_text=_("When the model's files change, all of them fall in any case."),
    )
    sign_with = forms.ChoiceField(
        label=_("With each signature, signers give again"),
        choices=SignWith.choices,
        help_text=_("What is stronger is always enough. Who has no second factor is told to add one before they sign."),
    )

    required_checks = forms.MultipleChoiceField(
        label=_("Checks that must pass"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("The others advise. A check that does not pass can be waived for a while, with a reason."),
    )
    external_checks = forms.CharField(
        label=_("Checks of pipelines that must pass"),
        required=False,
        max_length=MAX_TEXT,
        help_text=_("The names under which they are reported, with commas between them, such as: smoke-test, scan."),
    )
    tolerance_percent = forms.FloatField(
        label=_("Tolerance for metrics, in percent"),
        min_value=0,
        max_value=1000,
        initial=0,
        help_text=_("How much worse than in Production a metric may be."),
    )
    main_metric = forms.CharField(
        label=_("Main metric"),
        required=False,
        max_length=MAX_SCOPE,
        help_text=_("The one that lists show. Empty: the first with a known direction."),
    )

    wait_minutes = forms.IntegerField(
        label=_("Wait before applying, in minutes"),
        min_value=0,
        max_value=43_200,
        initial=0,
        help_text=_("From the moment when nothing is missing any more."),
    )
    open_days = forms.IntegerField(
        label=_("An undecided request expires after days"),
        required=False,
        min_value=1,
        max_value=3650,
        widget=forms.NumberInput(attrs=NO_LIMIT),
    )
    remind_days = forms.IntegerField(
        label=_("Days between reminders"),
        required=False,
        min_value=1,
        max_value=3650,
        widget=forms.NumberInput(attrs=NO_LIMIT),
    )
    approval_days = forms.IntegerField(
        label=_("An approval that was not applied expires after days"),
        required=False,
        min_value=1,
        max_value=3650,
        widget=forms.NumberInput(attrs=NO_LIMIT),
    )
    recertify_days = forms.IntegerField(
        label=_("An applied approval holds for days"),
        required=False,
        min_value=1,
        max_value=3650,
        widget=forms.NumberInput(attrs=NO_LIMIT),
        help_text=_("Afterwards it has to be certified again."),
    )
    after_review_days = forms.IntegerField(
        label=_("Days to review a bypass or a rollback afterwards"), min_value=1, max_value=365, initial=3
    )

    archive_existing = forms.BooleanField(
        label=_("Propose to archive the version that is in the stage"), required=False
    )
    moves_alias = forms.CharField(
        label=_("Alias that moves along"),
        required=False,
        max_length=255,
        help_text=_("It points to the version as soon as the version is in the stage."),
    )
    revert_drift = forms.BooleanField(
        label=_("Revert drift at once"),
        required=False,
        help_text=_("A version that MLflow moves into this stage, or out of it, without a decision is moved back."),
    )
    refuse_clients = forms.BooleanField(
        label=_("Refuse MLflow clients"),
        required=False,
        help_text=_("A client that asks for the move opens no request. Otherwise it opens one, in its person's name."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept in the history and in the audit trail. Whoever publishes it reads this."),
        error_messages={"required": _("Write why the policy changes. It is kept in the history.")},
    )
    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    replaces = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        field: Any = self.fields["required_checks"]
        field.choices = [(row.name, row.label) for row in checks.CHECKS]

    def clean_model(self) -> RegisteredModel | None:
        """Turn the name into the model, as this person sees it."""
        return model_named(self.cleaned_data["model"], self.by)

    def values(self) -> dict[str, Any]:
        """Return what a draft takes from a valid form."""
        names = [name for name in re.split(r"[,\s]+", self.cleaned_data["external_checks"]) if name]
        external = [name if name.startswith(EXTERNAL) else f"{EXTERNAL}{name}" for name in names]
        said = {name: self.cleaned_data[name] for name in ("model", "reason", *FIELDS)}
        return said | {"required_checks": [*self.cleaned_data["required_checks"], *external]}

    def sections(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """Return the fields in groups, as the page shows them; the rules come after the first."""
        return [(title, [self[name] for name in names]) for title, names in SECTIONS]


def initial_of(policy: ApprovalPolicy) -> dict[str, Any]:
    """Return what the form shows to edit a policy, or to draft another from it."""
    external = [name.removeprefix(EXTERNAL) for name in policy.required_checks if name.startswith(EXTERNAL)]
    return {
        **{name: getattr(policy, name) for name in ("reason", *FIELDS)},
        "model": policy.model.reference if policy.model else "",
        "external_checks": ", ".join(external),
    }


class FreezeForm(forms.Form):
    """Set a freeze."""

    name = forms.CharField(label=_("Name"), max_length=MAX_FREEZE_NAME)
    starts_at = forms.DateTimeField(
        label=_("From (UTC)"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    ends_at = forms.DateTimeField(
        label=_("To (UTC)"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    stage = forms.ChoiceField(
        label=_("Stage"),
        required=False,
        choices=[("", _("Every stage and alias")), *STAGES],
    )
    alias = forms.CharField(
        label=_("Alias"),
        required=False,
        max_length=255,
        help_text=_("A protected alias instead of a stage. A freeze of a stage holds the alias that moves with it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    model = ModelNamed(label=_("Only for the model"), help_text=_("The exact name of one model. Empty: all models."))
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Those who wait read this."),
        error_messages={"required": _("Write why nothing may be applied. Those who wait read this.")},
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by

    def clean_model(self) -> RegisteredModel | None:
        """Turn the name into the model, as this person sees it."""
        return model_named(self.cleaned_data["model"], self.by)

    def clean_alias(self) -> str:
        """Take the alias with or without its sign."""
        return str(self.cleaned_data["alias"]).removeprefix("@")


class MonthForm(forms.Form):
    """Which month the calendar begins with."""

    month = forms.RegexField(r"\A20\d\d-(0[1-9]|1[0-2])\Z", required=False)


class LiftForm(forms.Form):
    """Lift a freeze; why is the service's to ask for."""

    reason = forms.CharField(max_length=MAX_TEXT, required=False)


class PublishForm(forms.Form):
    """Publish or discard a draft that was read."""

    reason = forms.CharField(max_length=MAX_TEXT, required=False)
    digest = forms.CharField(max_length=64, required=False)
