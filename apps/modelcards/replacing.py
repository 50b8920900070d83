"""A whole card, as a program sends it: what differs from the newest revision is saved as an edit of the caller.

Who confirmed and when is never taken from a document: a confirmation that stood stays while the value is the same, a
new one is the caller's. A field without a state stays as settled as it was. A fact that is left out stays as MLflow
has it; any other field that is left out is emptied.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.errors import RuleViolation
from apps.modelcards import facts, queries, services
from apps.modelcards.content import Content, State, value_from
from apps.modelcards.facts import Fact
from apps.modelcards.filling import Edit
from apps.modelcards.models import CardRevision, Cause
from apps.modelcards.schema.fields import BY_NAME, FIELDS, Field, Origin
from apps.modelcards.schema.kinds import Kind, Refused

Said = Mapping[str, Any]


def replace(reference: str, number: int, wanted: Content, *, base: int, by: User, cause: Cause = Cause.EDITED,
            note: str = "") -> CardRevision:  # fmt: skip
    """Save a whole card in place of revision `base`; nothing new is written where nothing differs.

    Raises as services.save does, and RuleViolation when a service account confirms, or says what does not apply.
    """
    card = queries.get_card(by, reference, number)
    edit = Edit()
    if card.number == base:  # else the save refuses, with the number of the newest
        edit = difference(queries.content_of(queries.revision(card)), wanted, facts.facts_of(card.version))
    if by.is_service and (named := sorted({*edit.confirm, *edit.lacking})):
        message = _(
            "A service account fills a card in; a person has to confirm it. Leave out the states of: %(names)s."
        )
        raise RuleViolation(message % {"names": ", ".join(named)})
    return services.save(reference, number, edit, base=base, by=by, cause=cause, note=note)


def difference(now: Content, wanted: Content, known: Mapping[str, Fact]) -> Edit:
    """Return what somebody changes who sends the card `wanted` in place of `now`. Pure."""
    values: dict[str, Any] = {}
    confirm, lacking, overrides = set[str](), dict[str, str](), dict[str, str]()
    for field in FIELDS:
        fact, state = known.get(field.name), wanted.states.get(field.name, {})
        value = wanted.values.get(field.name)
        if value is None and fact and fact.locked and not state:
            continue  # a fact is not removed by silence
        if _same(now, field, value, state):
            continue  # what MLflow says since is not said by them: it is taken anew, and confirmed by nobody
        value = completed(field, value, fact) if "override" not in state else value
        if _same(now, field, value, state):
            continue
        values[field.name] = value
        if state.get("state") == State.CONFIRMED:
            confirm.add(field.name)
        if state.get("state") == State.NOT_APPLICABLE:
            lacking[field.name] = state["reason"]
        if override := state.get("override"):
            overrides[field.name] = override["reason"]
    return Edit(values, frozenset(confirm), lacking, overrides)


def completed(field: Field, value: Any, fact: Fact | None) -> Any:
    """Return records with what MLflow answers for where they leave it out; what they say otherwise stays. Pure."""
    if fact is None or field.origin is not Origin.FACT or not field.locked or value is None:
        return value
    if field.kind is Kind.RECORD:
        return {**fact.value, **value}
    of_facts = {_anchor(field, row): row for row in fact.value}
    rows = [{**_locked(field, of_facts.get(_anchor(field, row), {})), **row} for row in value]
    named = {_anchor(field, row) for row in rows}
    return rows + [row for row in fact.value if _anchor(field, row) not in named]


def filled_out(values: Mapping[str, Any], known: Mapping[str, Fact]) -> dict[str, Any]:
    """Return values as somebody sends them, records `completed`; what cannot be read stays for the save to refuse."""
    found = dict(values)
    for name, value in values.items():
        if name in BY_NAME and name in known:
            try:
                found[name] = completed(BY_NAME[name], value_from(BY_NAME[name], value), known[name])
            except Refused:
                continue
    return found


def _same(now: Content, field: Field, value: Any, said: Said) -> bool:
    """Return whether a card says this already: the value, and of its state what the document speaks of."""
    state = now.states.get(field.name, {})
    if now.values.get(field.name) != value:
        return False
    if not said:
        return True
    reasons = [(row.get("reason"), (row.get("override") or {}).get("reason")) for row in (state, said)]
    return _settled(state) == _settled(said) and reasons[0] == reasons[1]


def _settled(state: Said) -> str:
    """Return how far a state is as a caller can say it: prefilled and edited are both not confirmed."""
    found = str(state.get("state", ""))
    return found if found in (State.CONFIRMED, State.NOT_APPLICABLE) else ""


def _anchor(field: Field, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in field.anchor)


def _locked(field: Field, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: text for name, text in row.items() if name in field.locked}
