"""What people type about bypasses, reviews afterwards, rollbacks and certifying anew. Forms parse; services decide."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.assurance import SignWith
from apps.approvals.models import Ratification
from apps.approvals.texts import MAX_TICKET
from apps.registry.models import Stage
from apps.texts import MAX_TEXT

MAX_PASSWORD = 4096
NO_COMMENT = _("Write what you looked at. It is kept with your name.")


class _Password(forms.CharField):
    """The person's own password, asked for again. It is never sent back."""

    def __init__(self, *, required: bool = True, help_text: object = "") -> None:
        super().__init__(
            label=_("Your password"),
            required=required,
            strip=False,
            max_length=MAX_PASSWORD,
            help_text=str(help_text),
            widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            error_messages={"required": _("Type the password that you sign in with, or the code of your app.")},
        )


class AskBypassForm(forms.Form):
    """Ask to go past a policy."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What happens if this waits, in at least 30 characters. It is read at the review afterwards."),
        error_messages={"required": _("Write what happens if this waits.")},
    )
    ticket = forms.CharField(
        label=_("Ticket"),
        max_length=MAX_TICKET,
        help_text=_("Its name, such as OPS-17, or its https address."),
        error_messages={"required": _("Name the ticket: its number, or its https address.")},
    )
    password = _Password()
    evidence_digest = forms.CharField(max_length=64, widget=forms.HiddenInput)


class ConfirmBypassForm(forms.Form):
    """Be the second person."""

    password = _Password()
    evidence_digest = forms.CharField(max_length=64, widget=forms.HiddenInput)


class DropBypassForm(forms.Form):
    """Think better of it."""

    reason = forms.CharField(max_length=MAX_TEXT, required=False)


class _SignedForm(forms.Form):
    """Signed like a vote: it names the evidence that was read, and asks again who signs where the policy wants it."""

    password = _Password(required=False)
    evidence_digest = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: object, asks: SignWith = SignWith.NONE, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if asks is SignWith.NONE:
            del self.fields["password"]


class AfterReviewForm(_SignedForm):
    """Say afterwards whether it was right."""

    outcome = forms.ChoiceField(
        label=_("What do you say?"),
        choices=Ratification.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say whether you ratify it.")},
    )
    comment = forms.CharField(
        label=_("Comment"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": NO_COMMENT},
    )
    field_order = ("outcome", "comment", "password")


class RecertifyForm(_SignedForm):
    """Say that an approval still holds."""

    comment = forms.CharField(
        label=_("Comment"), max_length=MAX_TEXT, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    field_order = ("comment", "password")


class ExceptionFilter(forms.Form):
    """Which page of the reviews that are owed."""

    page = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)


class RollbackPlace(forms.Form):
    """Which place is rolled back, and to which version: the query of the page."""

    stage = forms.ChoiceField(choices=[("", ""), *Stage.choices], required=False)
    alias = forms.CharField(max_length=255, required=False)
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False)


class RollbackForm(RollbackPlace):
    """Go back."""

    stage = forms.ChoiceField(choices=[("", ""), *Stage.choices], required=False, widget=forms.HiddenInput)
    alias = forms.CharField(max_length=255, required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What is wrong with the version that is there. It is read at the review afterwards."),
        error_messages={"required": _("Write what is wrong with the version that is there.")},
    )
