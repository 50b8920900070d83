"""What the trail can be asked for: names, the same on page, API and export, and what each means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q
from django.http import QueryDict
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.audit.actions import Action, Outcome, Source
from apps.audit.chain import storable_text
from apps.audit.event_types import EventType, of_type
from apps.errors import InvalidInput, NotVisible

LABELS = {
    "actor": gettext_lazy("Actor"),
    "action": gettext_lazy("Action"),
    "event_type": gettext_lazy("Event type"),
    "outcome": gettext_lazy("Outcome"),
    "source": gettext_lazy("Source"),
    "target_type": gettext_lazy("Object type"),
    "target": gettext_lazy("Object"),
    "model": gettext_lazy("Model"),
    "model_id": gettext_lazy("Model number"),
    "since": gettext_lazy("From"),
    "until": gettext_lazy("To"),
    "address": gettext_lazy("Address"),
    "request_id": gettext_lazy("Request id"),
}
NAMES = tuple(LABELS)
CHOICES: dict[str, Any] = {"action": Action, "event_type": EventType, "outcome": Outcome, "source": Source}
FEW_ACTIONS = 4
EQUAL = ("actor", "outcome", "source", "target_type", "model_id", "address", "request_id")


def condition(values: Mapping[str, Any]) -> Q:
    """Return what an event must fulfil. Empty values and other names narrow nothing.

    `actor`, `outcome`, `source`, `target_type`, `model_id`, `address`, `request_id` are equal; `action` is one of
    several; `event_type` is one of event_types.EventType; `target` is text in the object's name, letters of any case;
    `since` and `until` are moments, both included.
    """
    wanted = Q(**{name: values[name] for name in EQUAL if values.get(name) not in (None, "")})
    actions = values.get("action")
    if actions:
        one = next(iter(actions)) if len(actions) == 1 else None
        wanted &= Q(action=one) if one else Q(action__in=sorted(actions))
    if values.get("event_type"):
        wanted &= of_type(values["event_type"])
    if values.get("target"):
        wanted &= Q(target__icontains=values["target"])
    if values.get("since"):
        wanted &= Q(at__gte=values["since"])
    if values.get("until"):
        wanted &= Q(at__lte=values["until"])
    return wanted


def alternatives(values: Mapping[str, Any]) -> list[Q]:
    """Return `condition` as conditions of which one must hold: few actions one by one, so that an index orders each."""
    actions = sorted(values.get("action") or ())
    if not 1 < len(actions) <= FEW_ACTIONS:
        return [condition(values)]
    return [condition({**values, "action": [action]}) for action in actions]


def with_model(values: Mapping[str, Any], user: Any) -> dict[str, Any]:
    """Return `values` with the number of the model that `model` names ("churn", "eu:churn") as `model_id`.

    Raises InvalidInput (field "model") for a model that is not there or out of sight, and where `model_id` differs.
    """
    reference, found = values.get("model"), dict(values)
    if not reference:
        return found
    try:
        known = storable_text(reference) == reference  # what no database could hold names no model
        number = import_string(settings.MODEL_BY_REFERENCE)(user, reference if known else "").pk
    except NotVisible as error:
        raise InvalidInput(_("There is no model of this name, or you may not see it."), field="model") from error
    if values.get("model_id") not in (None, number):
        raise InvalidInput(_("This is not the model of that number. Give one of the two."), field="model")
    return found | {"model_id": number}


def in_order(values: Mapping[str, Any]) -> None:
    """Raise InvalidInput (field "until") where the last moment is before the first."""
    if values.get("since") and values.get("until") and values["since"] > values["until"]:
        raise InvalidInput(_("The last day is before the first. Swap the two."), field="until")


@dataclass(frozen=True)
class Chip:
    """One filter in force: its words, and the query of the address without it."""

    name: str
    value: str
    label: str
    words: str
    without: str


def pairs(asked: QueryDict) -> list[tuple[str, str]]:
    """Return what an address asks for as (name, value) in one order; an action can occur several times."""
    found: list[tuple[str, str]] = []
    for name in NAMES:
        given = asked.getlist(name) if name == "action" else asked.getlist(name)[-1:]
        found += [(name, value) for value in dict.fromkeys(given) if value]
    return found


def chips(asked: QueryDict) -> list[Chip]:
    """Return the filters of an address, each with the address without it."""
    chosen = pairs(asked)
    return [
        Chip(name, value, str(LABELS[name]), _words(name, value), _but(chosen, name, value)) for name, value in chosen
    ]


def as_data(asked: QueryDict) -> dict[str, Any]:
    """Return the filters of an address as JSON, for the trail and the manifest of an export."""
    found: dict[str, Any] = {}
    for name, value in pairs(asked):
        if name == "action":
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _but(chosen: list[tuple[str, str]], name: str, value: str) -> str:
    return urlencode([one for one in chosen if one != (name, value)])


def _words(name: str, value: str) -> str:
    choices = CHOICES.get(name)
    return str(choices(value).label) if choices and value in choices.values else value
