"""What people type about grants. Forms parse; services decide."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.accounts import queries
from apps.accounts.forms import LARGEST_ID, MAX_REASON
from apps.accounts.grant_scopes import MAX_VALUE
from apps.accounts.models import GrantScope, User
from apps.accounts.permissions import permission_choices
from apps.accounts.roles import ROLES

MAX_NAME = 150
STATES = (("", _("In force")), ("ending", _("With a last day")), ("ended", _("Ended")))
DAY = {"type": "date"}


def role_choices() -> list[tuple[str, Any]]:
    """Return the roles, and then the single permissions."""
    roles = [(role.name, role.label) for role in ROLES.values()]
    return [(str(_("Roles")), roles), (str(_("Single permissions")), permission_choices())]


class HoldersFilter(forms.Form):
    """Whose grants the page of roles lists. `after` is the number of the grant that was shown last."""

    holder = forms.CharField(label=_("Group or person"), required=False, max_length=MAX_NAME)
    role = forms.ChoiceField(label=_("Role"), required=False)
    scope = forms.ChoiceField(label=_("On"), required=False, choices=[("", _("Anything")), *GrantScope.choices])
    after = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [("", _("Any role")), *role_choices()]  # type: ignore[attr-defined]


class GrantFilter(HoldersFilter):
    """Which grants the page lists. `before` is a grant's number, for paging."""

    show = forms.ChoiceField(label=_("Show"), required=False, choices=STATES)
    before = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID, widget=forms.HiddenInput)


class GiveForm(forms.Form):
    """Give a group or person a role."""

    holder = forms.CharField(
        label=_("To"),
        max_length=MAX_NAME,
        help_text=_("The name of a group, or a user name."),
        widget=forms.TextInput(attrs={"list": "holders", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"))
    scope = forms.ChoiceField(label=_("On"), choices=GrantScope.choices)
    value = forms.CharField(
        label=_("Which"),
        required=False,
        strip=False,
        max_length=MAX_VALUE,
        help_text=_("The model, a pattern such as churn-*, a tag as key=value, a tier or a server."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    until = forms.DateField(
        label=_("Last day"), required=False, help_text=_("In UTC. Empty: no end."), widget=forms.DateInput(DAY)
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_REASON,
        help_text=_("Kept with the grant and in the audit trail."),
        error_messages={"required": _("Write why. The reason is kept with the grant.")},
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.fields["role"].choices = role_choices()  # type: ignore[attr-defined]

    def clean_holder(self) -> Group | User:
        """Turn the name into the group, else the person, of this name."""
        name = self.cleaned_data["holder"]
        found = queries.group_named(name) or queries.person_named(name)
        if found is None:
            raise ValidationError(_("There is no group or person of this name."))
        return found

    def clean(self) -> dict[str, Any]:
        """Turn the name of one model into the model, as this person sees it."""
        values = super().clean() or {}
        values["model"] = None
        if values.get("scope") == GrantScope.MODEL and "value" in values:
            values["model"] = queries.model_named(values["value"], self.by)
            if values["model"] is None:
                self.add_error("value", _("There is no model of this name. Copy it from the model's page."))
            values["value"] = ""
        return values


class EndForm(forms.Form):
    """Take a grant back, and say why."""

    reason = forms.CharField(
        label=_("Reason"), max_length=MAX_REASON, error_messages={"required": _("Write why. The reason is kept.")}
    )


class ConflictForm(EndForm):
    """Acknowledge a conflict, or take that back."""

    person = forms.CharField(max_length=MAX_NAME, widget=forms.HiddenInput)
    do = forms.ChoiceField(choices=[("acknowledge", ""), ("take_back", "")], widget=forms.HiddenInput)

    def clean_person(self) -> User:
        """Turn the user name into the person."""
        found = queries.person_named(self.cleaned_data["person"])
        if found is None:
            raise ValidationError(_("Nobody has this user name."))
        return found
