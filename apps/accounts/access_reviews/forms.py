"""What people type and choose about access reviews. Forms parse; services decide."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.accounts import queries
from apps.accounts.access_reviews.opening import MAX_NAME
from apps.accounts.forms import LARGEST_ID, MAX_REASON
from apps.accounts.grant_forms import DAY, EndForm
from apps.accounts.grant_scopes import MAX_VALUE
from apps.accounts.models import Decision, User
from apps.accounts.roles import ROLES

MAX_GROUPS_TEXT = 100_000  # characters
MOST_CHOSEN = 200
MAX_PERSON = 150


class NumbersField(forms.Field):
    """Numbers of rows that were ticked."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[int]:
        """Return the numbers; none: an empty list."""
        texts = value or []
        fits = all(text.isascii() and text.isdecimal() and 0 < int(text) <= LARGEST_ID for text in texts[:MOST_CHOSEN])
        if len(texts) > MOST_CHOSEN or not fits:
            raise ValidationError(_("Choose from the rows of the page."))
        return [int(text) for text in texts]


class CoverageForm(forms.Form):
    """A campaign: what it is called, what it covers, until when. `seen`: the digest of the look."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME, help_text=_("Such as: First quarter."))
    until = forms.DateField(
        label=_("Last day"),
        help_text=_("In UTC, at most 90 days from now. What nobody confirmed by then lapses."),
        widget=forms.DateInput(DAY),
    )
    groups = forms.CharField(
        label=_("Groups"),
        required=False,
        max_length=MAX_GROUPS_TEXT,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One name in each line. Empty: all groups and persons."),
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("Without a choice: all.")
    )
    pattern = forms.CharField(
        label=_("Names of models"),
        required=False,
        strip=False,
        max_length=MAX_VALUE,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "churn-*"}),
        help_text=_("Only grants on parts of the registry that reach such a model. Empty: all grants."),
    )
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=MAX_REASON, help_text=_("Whoever answers reads it.")
    )
    seen = forms.CharField(required=False, max_length=64, empty_value=None, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [(role.name, role.label) for role in ROLES.values()]
        self.fields["roles"].choices = roles  # type: ignore[attr-defined]

    def clean_groups(self) -> list[str]:
        """Split the lines. A name may begin or end with a space, so only the line's end is cut off."""
        return [line.rstrip("\r") for line in self.cleaned_data["groups"].split("\n") if line.strip()]


class ReviewFilter(forms.Form):
    """Which campaigns the page lists."""

    before = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)


class ItemFilter(forms.Form):
    """Which items the page of a campaign lists. `after` is an item's number, for paging."""

    decision = forms.ChoiceField(label=_("Decision"), required=False, choices=[("", _("Any")), *Decision.choices])
    owner = forms.CharField(label=_("Answers"), required=False, max_length=MAX_PERSON)
    after = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID, widget=forms.HiddenInput)


class DecideForm(forms.Form):
    """What somebody says of the grants that they ticked."""

    items = NumbersField(label=_("Grants"), error_messages={"required": _("Tick at least one grant.")})
    reason = forms.CharField(label=_("Reason"), required=False, max_length=MAX_REASON)
    do = forms.ChoiceField(label=_("Decision"), choices=[("confirm", ""), ("remove", "")], widget=forms.HiddenInput)


class ReassignForm(EndForm):
    """Who is to answer for the grants that were ticked; nobody named: any admin."""

    items = NumbersField(label=_("Grants"), error_messages={"required": _("Tick at least one grant.")})
    person = forms.CharField(
        label=_("To"),
        required=False,
        max_length=MAX_PERSON,
        help_text=_("A user name. Empty: any admin."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_person(self) -> User | None:
        """Turn the user name into the person."""
        name = self.cleaned_data["person"]
        found = queries.person_named(name) if name else None
        if name and found is None:
            raise ValidationError(_("Nobody has this user name."))
        return found


class EndEarlyForm(EndForm):
    """End a campaign. `seen`: how many unanswered grants the page showed."""

    seen = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_ID, widget=forms.HiddenInput)
