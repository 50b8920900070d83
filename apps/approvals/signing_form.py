"""The form under a request: an action, a comment, and what a signature takes. It parses; the service decides."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.approvals.models import Meaning, Severity
from apps.approvals.signing import ConditionTerms, Signing
from apps.errors import InvalidInput
from apps.texts import MAX_TEXT

CONDITIONS = 3  # rows on the page; more go through the API
MAX_NAME = 150
MAX_PASSWORD = 4096


class SignForm(forms.Form):
    """What a signature takes beside the evidence's digest; for one request or for several."""

    comment = forms.CharField(max_length=MAX_TEXT, required=False, strip=True)
    meaning = forms.ChoiceField(choices=Meaning.choices, required=False)
    on_behalf_of = forms.CharField(max_length=MAX_NAME, required=False)
    password = forms.CharField(max_length=MAX_PASSWORD, required=False, strip=False)

    def signing(self) -> Signing:
        """Return what was written, as the service takes it. Raises InvalidInput for a condition that is incomplete."""
        values = self.cleaned_data
        return Signing(
            meaning=values["meaning"] or Meaning.APPROVAL.value,
            password=values["password"],
            on_behalf_of=values["on_behalf_of"],
        )


class ActForm(SignForm):
    """Act on a request. Which actions exist, and who may take them, is the service's to say."""

    action = forms.CharField(max_length=40)
    evidence_digest = forms.CharField(max_length=64, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(1, CONDITIONS + 1):
            self.fields[f"condition_{number}"] = forms.CharField(max_length=MAX_TEXT, required=False)
            self.fields[f"owner_{number}"] = forms.CharField(max_length=MAX_NAME, required=False)
            self.fields[f"due_{number}"] = forms.DateField(required=False)
            self.fields[f"severity_{number}"] = forms.ChoiceField(choices=Severity.choices, required=False)

    def signing(self) -> Signing:
        """Return what was written with its conditions."""
        said = super().signing()
        return Signing(said.meaning, said.password, said.on_behalf_of, tuple(self._conditions()))

    def _conditions(self) -> Iterator[ConditionTerms]:
        for number in range(1, CONDITIONS + 1):
            values = {part: self.cleaned_data[f"{part}_{number}"] for part in ("condition", "owner", "due", "severity")}
            if values["condition"] or values["owner"] or values["due"]:
                yield _condition(values, number)


def _condition(values: dict[str, Any], number: int) -> ConditionTerms:
    """Return one row as a condition, due at the end of its day (UTC). Raises InvalidInput for what is missing."""
    for part in ("condition", "owner", "due"):
        if not values[part]:
            message = _("A condition needs what must be done, who does it, and by when.")
            raise InvalidInput(message, field=f"{part}_{number}")
    due = datetime.combine(values["due"], time(23, 59, 59), tzinfo=UTC)
    return ConditionTerms(values["condition"], values["owner"], due, values["severity"] or Severity.MEDIUM.value)


class PickForm(forms.Form):
    """Which requests are signed together: their numbers, or number:digest as they were shown."""

    most = 100
    request = forms.CharField(required=False, label=gettext_lazy("Requests"))

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.picked = data.getlist("request")

    def clean(self) -> dict[str, Any]:
        """Turn what was ticked into pairs of number and digest (empty before they were shown)."""
        if len(self.picked) > self.most:
            raise ValidationError(_("At most %(most)s requests are signed at once.") % {"most": self.most})
        return {"items": [_item(text) for text in dict.fromkeys(self.picked)]}


def _item(text: str) -> tuple[int, str]:
    number, _colon, digest = text.partition(":")
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise ValidationError(_("“%(text)s” is no number of a request.") % {"text": text[:40]})
    return int(number), digest[:64]
