"""A card as content: values by field, and how far each is settled. Pure, and canonical: equal content, equal digest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.audit.chain import canonical_json
from apps.modelcards.schema.fields import BY_NAME, FIELDS, SCHEMA, Field
from apps.modelcards.schema.kinds import Kind, Refused, kept

MAX_BYTES = 512 * 1024  # of a whole card as canonical JSON
STATES = "states"  # the one key of a document, beside "schema", that is not a field
ENVELOPE = ("schema", "$schema", STATES)
CARRIED = "version "  # how the source begins of what came along from the card of another version
MARKS = {
    "state": Kind.LINE, "source": Kind.LINE, "digest": Kind.LINE, "by": Kind.LINE, "at": Kind.LINE,
    "reason": Kind.PROSE,
}  # fmt: skip


class State(StrEnum):
    """How far a field is settled. A field without a value and without a state is empty."""

    PREFILLED = "prefilled"  # from `source`, which had this `digest`
    EDITED = "edited"
    CONFIRMED = "confirmed"  # `by` whom, `at` what time
    NOT_APPLICABLE = "not_applicable"  # `reason`, `by`, `at`


STATE_LABELS = {
    "empty": gettext_lazy("Empty"),
    State.PREFILLED: gettext_lazy("Prefilled"),
    State.EDITED: gettext_lazy("Edited"),
    State.CONFIRMED: gettext_lazy("Confirmed"),
    State.NOT_APPLICABLE: gettext_lazy("Not applicable"),
}


class CardRefused(ValueError):
    """Content that a card does not take. `errors`: {field: sentence}."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class Content:
    """What a card says. `values`: {field: value as kinds.kept returns it}; absent: empty.

    `states`: {field: {"state": …}}, with what State names besides. A fact that a person overrode has
    `override`: {"reason", "fact", "by", "at"}; `fact` is what MLflow says instead.
    """

    values: dict[str, Any] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)

    def state(self, name: str) -> str:
        """Return a State, or "empty"."""
        return str(self.states.get(name, {}).get("state") or ("edited" if name in self.values else "empty"))


def document(content: Content) -> dict[str, Any]:
    """Return a card as the JSON document of its schema: the fields by name, in the order of the table, then states."""
    ordered = {field.name: content.values[field.name] for field in FIELDS if field.name in content.values}
    states = {field.name: content.states[field.name] for field in FIELDS if field.name in content.states}
    return {"schema": SCHEMA, **ordered, STATES: states}


def from_document(data: Any) -> Content:
    """Return the card that a document says: `from_document(document(card)) == card`.

    Other names of a field count as the field. Raises CardRefused, which names every field at fault.
    """
    if not isinstance(data, dict):
        raise CardRefused({"": _("A card is a JSON object with its fields by name.")})
    if data.get("schema", SCHEMA) != SCHEMA:
        raise CardRefused({"schema": _("This is not a card of the schema %(schema)s.") % {"schema": SCHEMA}})
    values, errors = values_from({name: item for name, item in data.items() if name not in ENVELOPE})
    states = _states_from(data.get(STATES), values, errors)
    if errors:
        raise CardRefused(errors)
    return sized(Content(values, states))


def values_from(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values as they are kept, without the empty ones, and {field: what is wrong with it}."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for given, item in data.items():
        known = named(given)
        if known is None:
            errors[str(given)] = _("A card has no field of this name. Put it under `extra`.")
        elif known.name in values:
            errors[known.name] = _("This field stands here twice, as %(name)s too.") % {"name": given}
        else:
            _keep(known, item, values, errors)
    return values, errors


def value_from(known: Field, item: Any) -> Any:
    """Return one value as it is kept; None when empty. Raises Refused.

    Plainer shapes are read too, as older cards have them: a text for the first part of a record, {metric: value}, and
    for a data set whatever was noted of it under names of its own.
    """
    if known.kind is Kind.RECORDS and isinstance(item, dict):
        item = _plainer(known, item)
    return kept(known.kind, item, parts=known.parts, options=[name for name, _label in known.options])


def digest(content: Content) -> str:
    """Return the SHA-256 of a card, 64 hex digits."""
    return digest_of({"values": content.values, "states": content.states})


def digest_of(value: Any) -> str:
    """Return the SHA-256 of any JSON value in canonical form."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def named(name: Any) -> Field | None:
    """Return the field of this name, or of this other name in JSON."""
    return BY_NAME.get(name) or _ALSO.get(name) if isinstance(name, str) else None


def sized(content: Content) -> Content:
    """Return the content. Raises CardRefused when a whole card is larger than is kept."""
    if (size := len(canonical_json({"values": content.values, "states": content.states}).encode())) > MAX_BYTES:
        message = _("The card has %(size)s KiB; the most is %(most)s KiB. Shorten the longest fields.")
        raise CardRefused({"": message % {"size": size // 1024, "most": MAX_BYTES // 1024}})
    return content


def _plainer(known: Field, item: dict[Any, Any]) -> list[Any]:
    """Return the records that a mapping in place of a list stands for."""
    names = [part.name for part in known.parts]
    if "details" in names:
        own = {name: text for name, text in item.items() if name in names}
        noted = {name: text for name, text in item.items() if name not in names}
        return [own | ({"details": noted} if noted else {})]
    if set(item) <= set(names):
        return [item]
    return [{names[0]: name, names[1]: text} for name, text in item.items()]


_ALSO = {other: known for known in FIELDS for other in known.also if other.isascii()}


def _keep(known: Field, item: Any, values: dict[str, Any], errors: dict[str, str]) -> None:
    try:
        value = value_from(known, item)
    except Refused as refusal:
        errors[known.name] = f"{refusal.where}: {refusal.message}" if refusal.where else refusal.message
    else:
        if value is not None:
            values[known.name] = value


def _states_from(data: Any, values: dict[str, Any], errors: dict[str, str]) -> dict[str, dict[str, Any]]:
    states: dict[str, dict[str, Any]] = {}
    if not isinstance(data or {}, dict):
        errors[STATES] = _("States are an object: one for each field.")
        return states
    for name, said in (data or {}).items():
        try:
            if name not in BY_NAME or not isinstance(said, dict):
                raise Refused(_("A state is an object, under the name of a field."))
            states[name] = _state_from(BY_NAME[name], said)
            _fits(BY_NAME[name], states[name], name in values or name in errors)
        except Refused as refusal:
            errors[f"{STATES}.{name}"] = refusal.message
    return states


def _state_from(known: Field, said: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(str(name) for name in set(said) - {*MARKS, "override"}):
        raise Refused(_("A state has no %(names)s.") % {"names": ", ".join(unknown)})
    state = {name: text for name, kind in MARKS.items() if (text := kept(kind, said.get(name))) is not None}
    if state.get("state") not in set(State):
        raise Refused(_("A state is one of: %(states)s.") % {"states": ", ".join(State)})
    if (override := said.get("override")) is not None:
        state["override"] = _override_from(known, override)
    return state


def _override_from(known: Field, said: Any) -> dict[str, Any]:
    if not isinstance(said, dict) or not set(said) <= {"reason", "fact", "by", "at"}:
        raise Refused(_("An override is an object with a reason and the fact."))
    found = {name: text for name in ("reason", "by", "at") if (text := kept(MARKS[name], said.get(name)))}
    if "reason" not in found:
        raise Refused(_("Say why the card says otherwise than MLflow."))
    if (fact := value_from(known, said.get("fact"))) is not None:
        found["fact"] = fact
    return found


def _fits(known: Field, state: dict[str, Any], filled: bool) -> None:
    if state["state"] != State.NOT_APPLICABLE:
        if not filled and "override" not in state:
            raise Refused(_("The field is empty, so it can be neither edited nor confirmed."))
        return
    if filled:
        raise Refused(_("The field has a value, so it applies. Remove one of the two."))
    if not known.may_lack:
        raise Refused(_("This field applies to every model, so it cannot be left out."))
    if not state.get("reason"):
        raise Refused(_("Say why it does not apply."))
