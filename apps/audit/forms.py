"""What people type into the filters of the trail."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.audit import filters, moments
from apps.audit.actions import Action, Outcome, Source
from apps.audit.event_types import EventType
from apps.errors import InvalidInput

LARGEST_ID = 2**63 - 1
NUMBER: dict[str, Any] = {"required": False, "max_value": LARGEST_ID, "widget": forms.HiddenInput}
WORD: dict[str, Any] = {"required": False, "strip": False, "max_length": 1000}
MOMENT = {"autocomplete": "off", "placeholder": "7d, 2026-05-03", "title": _("A day, a moment, or how long ago.")}


class MomentField(forms.CharField):
    """A moment, as `moments.read` reads it; a day alone is its beginning, or its `end`."""

    def __init__(self, *, end: bool = False, **more: Any) -> None:
        super().__init__(required=False, max_length=40, widget=forms.TextInput(attrs=MOMENT), **more)
        self.end = end

    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        try:
            return moments.read(text, end=self.end) if text else None
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from error


class SeveralField(forms.MultipleChoiceField):
    """Several choices, of which the empty one, "any", says nothing."""

    def to_python(self, value: Any) -> list[str]:
        return [one for one in super().to_python(value) if one]


class EventFilter(forms.Form):
    """Which events are asked for; the fields are named in `filters`. `before` and `after` are numbers, for paging."""

    actor = forms.CharField(label=filters.LABELS["actor"], required=False, max_length=1000)
    action = SeveralField(
        label=filters.LABELS["action"],
        required=False,
        choices=[("", _("Any action")), *Action.choices],
    )
    outcome = forms.ChoiceField(
        label=filters.LABELS["outcome"], required=False, choices=[("", _("Any outcome")), *Outcome.choices]
    )
    source = forms.ChoiceField(
        label=filters.LABELS["source"], required=False, choices=[("", _("Any source")), *Source.choices]
    )
    target = forms.CharField(label=filters.LABELS["target"], **WORD)
    model = forms.CharField(label=filters.LABELS["model"], **WORD)
    since = MomentField(label=_("From (UTC)"))
    until = MomentField(label=_("To (UTC)"), end=True)
    event_type = forms.ChoiceField(
        label=filters.LABELS["event_type"], required=False, choices=[("", _("Any type")), *EventType.choices]
    )
    target_type = forms.CharField(
        label=filters.LABELS["target_type"], required=False, max_length=30, help_text=_("request, version, person …")
    )
    address = forms.CharField(label=filters.LABELS["address"], required=False, max_length=45)
    request_id = forms.CharField(label=filters.LABELS["request_id"], required=False, max_length=36)
    model_id = forms.IntegerField(min_value=1, **NUMBER)
    before = forms.IntegerField(min_value=1, **NUMBER)
    after = forms.IntegerField(min_value=0, **NUMBER)

    RARE = ("event_type", "target_type", "address", "request_id")  # behind "More filters"

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        self.user = user

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        try:
            filters.in_order(values)
            return filters.with_model(values, self.user)
        except InvalidInput as error:
            self.add_error(error.field or "model", error.message)
            return values

    @property
    def often(self) -> list[forms.BoundField]:
        """The fields that stand in sight."""
        return [field for field in self.visible_fields() if field.name not in (*self.RARE, "action")]

    @property
    def rare(self) -> list[forms.BoundField]:
        """The fields behind "More filters"."""
        return [self[name] for name in self.RARE]

    @property
    def rare_open(self) -> bool:
        """Whether one of them is in use or at fault."""
        return any(self.data.get(name) or name in self.errors for name in self.RARE)

    @property
    def more_actions(self) -> list[tuple[str, Any]]:
        """The actions that are not chosen yet: choosing one adds it."""
        return [choice for choice in Action.choices if choice[0] not in self.chosen_actions]

    @property
    def chosen_actions(self) -> list[str]:
        """The actions that are chosen, each once."""
        given = self.data.getlist("action") if hasattr(self.data, "getlist") else []
        return [action for action in dict.fromkeys(given) if action in Action.values]
