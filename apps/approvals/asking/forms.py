"""What people write when they ask for a move. Forms parse; services decide."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.approvals.models import ApprovalRequest
from apps.approvals.texts import MAX_TICKET
from apps.registry.models import Stage
from apps.texts import MAX_TEXT

MOST_VERSIONS = 100
LONGEST_TARGET = 256  # "@" and an alias


class Wordings(forms.Form):
    """Where to, and why: what a request for one version and one for several have in common."""

    target = forms.CharField(
        label=gettext_lazy("Move to"),
        max_length=LONGEST_TARGET,
        help_text=gettext_lazy("A stage, such as Production, or a protected alias, such as @champion."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Why now, and what you tested. Reviewers read it beside what changed."),
        error_messages={
            "required": gettext_lazy("Write why this version should move. Reviewers read it beside what changed."),
        },
    )
    roll_out = forms.CharField(
        label=gettext_lazy("How it goes live"),
        max_length=MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("For whom first, how it is watched, who is told."),
    )
    roll_back = forms.CharField(
        label=gettext_lazy("How to go back"),
        max_length=MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("What to do when it turns out wrong, and who does it."),
    )
    ticket = forms.CharField(
        label=gettext_lazy("Ticket"),
        max_length=MAX_TICKET,
        required=False,
        help_text=gettext_lazy("Its https address, or its name, such as OPS-17."),
    )

    def clean_target(self) -> dict[str, str]:
        """Turn "Production" or "@champion" into what the services take."""
        text = self.cleaned_data["target"].strip()
        if text.startswith("@"):
            return {"to_stage": "", "alias": text[1:]}
        if text not in Stage.values:
            raise ValidationError(_("There is no such target. Choose a stage or a protected alias."))
        return {"to_stage": text, "alias": ""}

    def asked(self) -> dict[str, Any]:
        """Return what was written, as the services take it."""
        values = dict(self.cleaned_data)
        return {**values.pop("target"), **values}

    def refused(self, field: str | None, message: str) -> None:
        """Show a refusal of the service at its field."""
        place = "target" if field in ("to_stage", "alias") else field
        self.add_error(place if place in self.fields else None, message)


class RequestForm(Wordings):
    """Ask to move one version. As a draft, the reason may still be missing."""

    archive_existing = forms.BooleanField(label=gettext_lazy("Archive the version that is there now"), required=False)
    follows = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    def __init__(self, *args: Any, draft: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = not draft


class SeveralForm(Wordings):
    """Ask for the same move of several versions: a request for each."""

    versions = forms.CharField(
        label=gettext_lazy("Versions"),
        max_length=MAX_TEXT * 4,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=gettext_lazy("One on each line, as model@number: churn@3."),
        error_messages={"required": gettext_lazy("Name at least one version, as model@number.")},
    )
    field_order = ("versions", "target")

    def clean_versions(self) -> list[tuple[str, int]]:
        """Turn the lines into models and numbers."""
        lines = [line.strip() for line in self.cleaned_data["versions"].splitlines() if line.strip()]
        if len(lines) > MOST_VERSIONS:
            raise ValidationError(_("At most %(most)s versions at once.") % {"most": MOST_VERSIONS})
        return [_version(line) for line in dict.fromkeys(lines)]


def initial_of(draft: ApprovalRequest) -> dict[str, Any]:
    """Return what a draft says, as the form starts with it."""
    kept = ("reason", "roll_out", "roll_back", "ticket", "archive_existing")
    return {"target": draft.target, **{name: getattr(draft, name) for name in kept}}


def _version(line: str) -> tuple[str, int]:
    model, _at, number = line.rpartition("@")
    if not model or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise ValidationError(_("“%(line)s” names no version. Write it as model@number: churn@3.") % {"line": line})
    return model, int(number)
