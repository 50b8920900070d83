"""What people type."""

from typing import Any

from django import forms
from django.apps import apps
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.accounts import grants, sessions
from apps.accounts.assurance import SignWith
from apps.accounts.models import TokenScope, User
from apps.accounts.passwords import password_counts
from apps.accounts.roles import DUTIES, RANKS
from apps.accounts.tokens import DEFAULT_DAYS, MAX_DAYS, MAX_NAME, MAX_OVERLAP

LARGEST_ID = 2**63 - 1
MAX_REASON = 5000
MAX_PASSWORD = 4096


class SignInForm(AuthenticationForm):
    """User name and password. After ten failures the answer is no for a while, without looking at the password."""

    username = UsernameField(label=_("User name"), widget=forms.TextInput(attrs={"autofocus": True}))
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("User name and password do not match. Both are case-sensitive: try again."),
        "throttled": _("Too many failed sign-ins with this user name from here. Wait 15 minutes, then try again."),
        "switched_off": _("Passwords are switched off here. Sign in with single sign-on."),
    }
    throttled = False

    def clean(self) -> dict[str, Any]:
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not username or not password or self.request is None:
            return self.cleaned_data
        if sessions.is_throttled(self.request, username):
            self.throttled = True
            raise ValidationError(self.error_messages["throttled"], code="throttled")
        try:
            cleaned = super().clean()
        except ValidationError:
            sessions.refuse_session(self.request, username)
            raise
        if not password_counts(username):  # after the password was right: a guess learns nothing of who there is
            message = self.error_messages["switched_off"]
            sessions.refuse_session(self.request, username, reason=str(message), code="password_off")
            raise ValidationError(message, code="switched_off")
        return cleaned


def _reason() -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        max_length=MAX_REASON,
        help_text=_("Kept in the audit trail."),
        error_messages={"required": _("Write why. The reason is kept in the audit trail.")},
    )


class PageFilter(forms.Form):
    """Which page of a list is asked for; 1 where nothing is said."""

    page = forms.CharField(required=False)

    def clean_page(self) -> int:
        """Return the number."""
        return self._number("page")

    def _number(self, name: str) -> int:
        text = self.cleaned_data[name] or "1"
        if not (text.isascii() and text.isdecimal() and len(text) < 7):
            raise ValidationError(_("A page is a whole number from 1."))
        return int(text)


class PeopleFilter(PageFilter):
    """Words that names of people and groups have; which page of the people, and which of the groups."""

    q = forms.CharField(required=False, max_length=150)
    groups = forms.CharField(required=False)

    def clean_groups(self) -> int:
        """Return the number of the page of groups."""
        return self._number("groups")


class GrantForm(forms.Form):
    """What a group may do, on the whole registry or on one model."""

    group = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=LARGEST_ID)
    rank = forms.ChoiceField(
        label=_("Role"),
        required=False,
        choices=[("", _("No role")), *((role.name, role.label) for role in RANKS[::-1])],
    )
    reviewer = forms.BooleanField(label=_("Reviewer: signs off promotions"), required=False)
    emergency = forms.BooleanField(label=_("Emergency: may bypass a policy, two together"), required=False)
    model = forms.CharField(
        label=_("On"),
        required=False,
        strip=False,
        help_text=_("The exact name of one model. Empty: the whole registry."),
        widget=forms.TextInput(attrs={"placeholder": _("the whole registry"), "autocomplete": "off"}),
    )
    reason = _reason()

    by: Any = None  # who changes the grant: only models that they see can be named

    def clean_model(self) -> Any:
        """Turn the name into the model, as this person sees it."""
        name = self.cleaned_data["model"]
        if not name:
            return None
        visible = grants.visible_to(self.by, apps.get_model("registry", "RegisteredModel").objects.all())
        found = visible.filter(name=name, deleted_at=None).first()
        if found is None:
            raise ValidationError(_("There is no model of this name. Copy it from the model's page."))
        return found

    def roles(self) -> list[str]:
        """The role names that were chosen."""
        rank = self.cleaned_data["rank"]
        return [*([rank] if rank else []), *(duty.name for duty in DUTIES if self.cleaned_data[duty.name])]


class MemberForm(forms.Form):
    """Put a person into a group."""

    group = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=LARGEST_ID)
    person = forms.CharField(
        label=_("User name"),
        max_length=150,
        widget=forms.TextInput(attrs={"list": "user-names", "autocomplete": "off"}),
        error_messages={"required": _("Write the user name of the person.")},
    )

    def clean_person(self) -> User:
        """Turn the user name into the person."""
        found = User.objects.filter(username=self.cleaned_data["person"]).first()
        if found is None:
            raise ValidationError(_("Nobody has this user name. Look at the list of people."))
        return found


class RemovalForm(MemberForm):
    """Take a person out of a group, and say why."""

    reason = _reason()


class StandingForm(forms.Form):
    """Deactivate or reactivate a person, and say why."""

    person = forms.CharField(max_length=150, widget=forms.HiddenInput)
    reason = _reason()

    clean_person = MemberForm.clean_person


class RevocationForm(forms.Form):
    """Revoke somebody's token, and say why."""

    token = forms.CharField(max_length=16, widget=forms.HiddenInput)  # its prefix
    reason = _reason()


class GroupForm(forms.Form):
    """Add a group."""

    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class PersonForm(forms.Form):
    """Add a person, with a first password that the admin hands over."""

    username = forms.CharField(
        label=_("User name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    first_name = forms.CharField(label=_("First name"), max_length=150, required=False)
    last_name = forms.CharField(label=_("Last name"), max_length=150, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    password = forms.CharField(
        label=_("First password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters, not digits alone, not a common one, not like the name."),
    )


class InvitationForm(forms.Form):
    """Invite a person, by user name or e-mail address."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        required=False,
        help_text=_("Of somebody new, or of somebody who needs another password. Empty: the e-mail address is it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = forms.EmailField(label=_("E-mail"), required=False, help_text=_("The link is mailed there too."))
    first_name = forms.CharField(label=_("First name"), max_length=150, required=False)
    last_name = forms.CharField(label=_("Last name"), max_length=150, required=False)


class ChosenPasswordForm(forms.Form):
    """The password that an invited person chooses, typed twice."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
        help_text=_("At least 12 characters, not digits alone, not a common one, not like the name."),
    )
    again = forms.CharField(
        label=_("The same again"),
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_again(self) -> str:
        """Refuse two passwords that differ."""
        again: str = self.cleaned_data["again"]
        if "password" in self.cleaned_data and again != self.cleaned_data["password"]:
            raise ValidationError(_("This is not the same as above. Type both again."))
        return again


class CodeForm(forms.Form):
    """A code of an authenticator app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
        error_messages={"required": _("Type the code that your app shows.")},
    )


class AgainForm(forms.Form):
    """Who changes second factors says again who they are, with what `asks` says; `carried`: they proved it already."""

    again = forms.CharField(
        label=_("Your password"),
        strip=False,
        required=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("You signed in a while ago."),
    )

    def __init__(self, *args: Any, asks: str = SignWith.NONE, carried: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asks == SignWith.NONE or carried:
            del self.fields["again"]
        elif asks == SignWith.FACTOR:
            field = self.fields["again"]
            field.label, field.help_text = _("Your second factor"), _("The code of your app, or a recovery code.")
            field.widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"})


class AppForm(AgainForm):
    """The first code of a new authenticator app."""

    code = forms.CharField(
        label=_("Code that the app shows"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        error_messages={"required": _("Type the six digits that the app shows.")},
    )
    field_order = ("code", "again")


class PasskeyForm(AgainForm):
    """A passkey that the browser made, and how it is called."""

    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("Such as the device."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    answer = forms.CharField(
        max_length=20_000,
        widget=forms.HiddenInput,
        error_messages={"required": _("The browser made no passkey. It takes JavaScript; try again.")},
    )
    field_order = ("name", "again", "answer")


class OwnPasswordForm(AgainForm):
    """The present password and a new one, typed twice; a second factor too, where `asks` says so."""

    present = forms.CharField(
        label=_("Present password"),
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters, not digits alone, not a common one, not like the name."),
    )
    repeated = forms.CharField(
        label=_("The new one again"),
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    field_order = ("present", "again", "new", "repeated")

    def clean_repeated(self) -> str:
        """Refuse two new passwords that differ."""
        repeated: str = self.cleaned_data["repeated"]
        if "new" in self.cleaned_data and repeated != self.cleaned_data["new"]:
            raise ValidationError(_("This is not the same as above. Type the new one twice."))
        return repeated


class TokenForm(forms.Form):
    """Make an API token."""

    name = forms.CharField(
        label=_("Name"),
        max_length=MAX_NAME,
        help_text=_("Where it is used, such as “CI of churn”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label=_("May"),
        choices=TokenScope.choices,
        initial=TokenScope.READ,
        help_text=_("A pipeline that deploys needs the gate alone. Never more than the owner may do."),
    )
    models = forms.CharField(
        label=_("Only on these models"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
        help_text=_("Exact names, one a line. Empty: all that the owner sees."),
    )
    days = forms.IntegerField(
        label=_("Valid for days"), min_value=1, max_value=MAX_DAYS, initial=DEFAULT_DAYS, help_text=_("1 to 365.")
    )

    def clean_models(self) -> list[str]:
        """Return the names, one a line; a line of blanks is none."""
        return [name for name in self.cleaned_data["models"].splitlines() if name.strip()]


class RenewalForm(forms.Form):
    """Give an API token a new secret."""

    token = forms.CharField(max_length=16, widget=forms.HiddenInput)  # its prefix
    overlap = forms.IntegerField(min_value=0, max_value=MAX_OVERLAP)
    days = forms.IntegerField(min_value=1, max_value=MAX_DAYS, initial=DEFAULT_DAYS, required=False)

    def clean_days(self) -> int:
        """Return for how long; left out: as long as a new one."""
        return self.cleaned_data["days"] or DEFAULT_DAYS


class ServiceAccountForm(forms.Form):
    """Add a machine that acts through tokens."""

    username = forms.CharField(
        label=_("User name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    name = forms.CharField(
        label=_("What it is"), max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
