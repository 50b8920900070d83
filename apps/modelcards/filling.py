"""How a card comes to say what it says: a new one, facts taken afresh, and what a person changed. Pure.

Facts stay in step with MLflow: whatever is written, their locked parts are those of now, unless a person overrode the
field and said why. Prose of the version before comes along unconfirmed; its facts never do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.modelcards.content import CardRefused, Content, State, sized, value_from
from apps.modelcards.facts import Fact
from apps.modelcards.schema.fields import BY_NAME, FIELDS, Field, Origin
from apps.modelcards.schema.kinds import Kind, Refused


@dataclass(frozen=True)
class Edit:
    """What a person says of some fields; the others stay.

    `values`: {field: value or None to empty it}; those not in `confirm` are not confirmed afterwards. `lacking` and
    `overrides` are {field: reason}: it does not apply; the card says otherwise than MLflow. `seen` is {field: digest
    of the fact that they had before them}; without it, they saw what the card says. What nobody saw is not confirmed.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    confirm: frozenset[str] = frozenset()
    lacking: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)


def started(facts: Mapping[str, Fact], before: Content | None = None, source: str = "") -> Content:
    """Return a new card: facts as they are, and what people wrote of the version before, to be confirmed again.

    `source` says which that was: "version 2".
    """
    values: dict[str, Any] = {}
    states: dict[str, dict[str, Any]] = {}
    for known in FIELDS:
        fact = facts.get(known.name)
        carried = _carried(known, before, fact)
        value = with_fact(known, carried, fact)
        if value is not None:
            values[known.name] = value
            states[known.name] = _prefilled(fact) if fact and carried in (None, fact.value) else _from(source, fact)
        elif before and before.state(known.name) == State.NOT_APPLICABLE:
            states[known.name] = {"state": State.NOT_APPLICABLE, "reason": before.states[known.name]["reason"],
                                  "source": source}  # fmt: skip
    return Content(values, states)


def refreshed(content: Content, facts: Mapping[str, Fact]) -> Content:
    """Return the card with facts as they are now. What was confirmed of another fact is to be confirmed again.

    What MLflow said once and says no longer stays, for a person to confirm: it is no fact any more.
    """
    values, states = dict(content.values), dict(content.states)
    for known in FIELDS:
        fact, state = facts.get(known.name), states.get(known.name, {})
        if state.get("state") == State.NOT_APPLICABLE and not (fact and fact.locked):
            continue
        if override := state.get("override"):
            if fact and override.get("fact") != fact.value:
                states[known.name] = {"state": State.EDITED, "override": {**override, "fact": fact.value}}
            continue
        if fact is None and known.origin is Origin.FACT and state.get("state") == State.PREFILLED:
            states[known.name] = {"state": State.EDITED} | ({"source": state["source"]} if "source" in state else {})
        if fact is None or (known.origin is Origin.SUGGESTED and known.name in values):
            continue
        value = with_fact(known, values.get(known.name), fact)
        if value != values.get(known.name) or state.get("digest") != fact.digest:
            values[known.name] = value
            states[known.name] = _prefilled(fact) if value == fact.value else {
                "state": State.EDITED, "source": fact.source, "digest": fact.digest}  # fmt: skip
    return Content(values, states)


def edited(content: Content, edit: Edit, facts: Mapping[str, Fact], *, by: str, at: str) -> Content:
    """Return the card as a person leaves it, with facts as they are now.

    `by` is a user name, `at` ISO 8601. Raises CardRefused, which names every field at fault.
    """
    now = refreshed(content, facts)
    values, states, errors = dict(now.values), dict(now.states), dict[str, str]()
    stamp = {"by": by, "at": at}
    for name in dict.fromkeys([*edit.values, *edit.lacking, *edit.overrides, *edit.confirm]):
        try:
            news = now.values.get(name) != content.values.get(name)
            _check_seen(BY_NAME[name], edit, facts.get(name), news)
            _change(BY_NAME[name], edit, facts.get(name), values, states, stamp)
        except KeyError:
            errors[name] = _("A card has no field of this name.")
        except Refused as refusal:
            errors[name] = f"{refusal.where}: {refusal.message}" if refusal.where else refusal.message
    if errors:
        raise CardRefused(errors)
    return sized(Content(values, states))


def with_fact(known: Field, value: Any, fact: Fact | None) -> Any:
    """Return `value` with what MLflow answers for as MLflow says it; a suggestion stands only where nothing does."""
    if fact is None:
        return value
    if known.origin is Origin.SUGGESTED:
        return fact.value if value is None else value
    if known.kind is Kind.RECORD and known.locked:
        return {**(value or {}), **fact.value}
    if known.kind is Kind.RECORDS and known.locked:
        return _rows_with_facts(known, value or [], fact.value)
    return fact.value


def _rows_with_facts(known: Field, rows: list[dict[str, Any]], facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the facts, each with what a person added to it, and then the rows that are nobody's but the person's."""
    typed: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=_of_a_slice):
        typed.setdefault(_anchor(known, row), row)
    found, about = [], set()
    for fact in facts:
        anchor = _anchor(known, fact)
        about.add(anchor)
        added = {name: text for name, text in typed.get(anchor, fact).items() if name not in known.locked}
        found.append({**fact, **added} if anchor not in typed else {**_locked(known, fact), **added})
    return found + [row for row in rows if _own(known, row, typed, about, facts)]


def _own(
    known: Field, row: dict[str, Any], typed: dict[Any, Any], about: set[tuple[Any, ...]], facts: list[dict[str, Any]]
) -> bool:
    """Return whether a record is nobody's but a person's: about no fact, or about a slice of what a fact is about."""
    anchor = _anchor(known, row)
    if anchor not in about:
        return not _gone(row, facts)
    return _of_a_slice(row) and row is not typed[anchor]


def _of_a_slice(row: dict[str, Any]) -> bool:
    return bool(row.get("slice"))


def _gone(row: dict[str, Any], facts: list[dict[str, Any]]) -> bool:
    """Return whether a record that is about no fact says that it is a metric of the run of which MLflow tells.

    MLflow had it once. What a person measured names another run or none, or a slice, of which MLflow knows nothing.
    """
    run = row.get("run_id")
    return bool(run) and not _of_a_slice(row) and any(run == fact.get("run_id") for fact in facts)


def deviation(known: Field, value: Any, fact: Fact | None) -> bool:
    """Return whether a value says otherwise than MLflow does where MLflow answers for it."""
    if fact is None or known.origin is not Origin.FACT:
        return False
    if known.kind is Kind.RECORDS and known.locked:
        said = [_locked(known, row) for row in value or []]
        about = {_anchor(known, row) for row in fact.value}
        claimed = (row for row in value or [] if _anchor(known, row) not in about)
        return any(_locked(known, row) not in said for row in fact.value) or any(
            _gone(row, fact.value) for row in claimed
        )
    if known.kind is Kind.RECORD and known.locked:  # what MLflow does not know of it, people may add
        return any((value or {}).get(name) != text for name, text in fact.value.items())
    return bool(value != fact.value)


def _change(known: Field, edit: Edit, fact: Fact | None, values: dict[str, Any], states: dict[str, dict[str, Any]],
            stamp: dict[str, str]) -> None:  # fmt: skip
    name, state = known.name, states.get(known.name, {})
    value = value_from(known, edit.values[name]) if name in edit.values else values.get(name)
    if name in edit.lacking:
        states[name] = _lacking(known, edit.lacking[name], value, state, stamp)
        values.pop(name, None)
        return
    override = _override(known, edit, value, fact, state, stamp)
    if override is None:
        value = with_fact(known, value, fact if known.origin is Origin.FACT else None)
    if value is None:
        if name in edit.confirm:
            raise Refused(_("The field is empty, so there is nothing to confirm. Fill it in first."))
        values.pop(name, None)
        states.pop(name, None)
        if override:
            states[name] = {"state": State.EDITED, "override": override}
        return
    same = values.get(name) == value and state.get("override") == override
    values[name] = value
    states[name] = _settled(state if same else {}, value, fact, name in edit.confirm, stamp)
    if override:
        states[name]["override"] = override


def _check_seen(known: Field, edit: Edit, fact: Fact | None, news: bool) -> None:
    """Refuse to confirm what MLflow says otherwise than whoever confirms had it before them. `news`: than the card."""
    theirs = known.name in edit.overrides or (known.name in edit.values and not known.locked)
    if fact is None or theirs or known.name not in edit.confirm:
        return
    seen = edit.seen.get(known.name, "") if fact.locked else ""
    if (seen != fact.digest) if seen else news:
        raise Refused(_("MLflow says something else by now. Look at what it says, then confirm it."))


def _settled(
    state: dict[str, Any], value: Any, fact: Fact | None, confirm: bool, stamp: dict[str, str]
) -> dict[str, Any]:
    """Return the state of a filled field. `state`: as it was, where the value is the same."""
    of_fact = {"source": fact.source, "digest": fact.digest} if fact else {}
    if confirm:
        return state if state.get("state") == State.CONFIRMED else {"state": State.CONFIRMED, **stamp, **of_fact}
    if state.get("state") == State.PREFILLED:
        return state
    if fact and value == fact.value:
        return _prefilled(fact)
    return {"state": State.EDITED, **of_fact}


def _override(known: Field, edit: Edit, value: Any, fact: Fact | None, state: dict[str, Any],
              stamp: dict[str, str]) -> dict[str, Any] | None:  # fmt: skip
    """Return the override that a field has afterwards, or None. Raises Refused when one is needed and not explained."""
    if not deviation(known, value, fact):
        return None
    reason = edit.overrides.get(known.name, "")
    reason = str(value_from(BY_NAME["metric_rationale"], reason) or "")
    if not reason and known.name not in edit.values:
        return state.get("override")
    if not reason:
        raise Refused(_("MLflow says otherwise. Keep what it says, or say why the card says something else."))
    before = state.get("override") or {}
    said = {"reason": reason, "fact": fact.value if fact else None}
    return before if {name: before.get(name) for name in said} == said else {**said, **stamp}


def _lacking(known: Field, reason: str, value: Any, state: dict[str, Any], stamp: dict[str, str]) -> dict[str, Any]:
    if not known.may_lack:
        raise Refused(_("This field applies to every model, so it cannot be left out."))
    if value is not None:
        raise Refused(_("The field has a value, so it applies. Empty it, or take back that it does not apply."))
    reason = str(value_from(BY_NAME["metric_rationale"], reason) or "")
    if not reason:
        raise Refused(_("Say why it does not apply."))
    if state.get("state") == State.NOT_APPLICABLE and state.get("reason") == reason and state.get("by"):
        return state
    return {"state": State.NOT_APPLICABLE, "reason": reason, **stamp}


def _carried(known: Field, before: Content | None, fact: Fact | None) -> Any:
    """Return what of the version before goes into a new card: what people wrote, never what was a fact."""
    value = before.values.get(known.name) if before else None
    if value is None or known.origin is not Origin.FACT:
        return value
    if fact is None:
        return value if known.carries and before and "digest" not in before.states.get(known.name, {}) else None
    if not known.locked or known.kind is not Kind.RECORDS:
        return None
    head = known.anchor[0]
    typed = {row.get(head): row for row in reversed(value) if "run_id" not in known.anchor or row.get("run_id")}
    kept = set(known.keys) | set(known.locked) | {"ci"}
    return [
        {**row, **{name: text for name, text in typed.get(row.get(head), {}).items() if name not in kept}}
        for row in fact.value
    ]


def _prefilled(fact: Fact) -> dict[str, Any]:
    return {"state": State.PREFILLED, "source": fact.source, "digest": fact.digest}


def _from(source: str, fact: Fact | None) -> dict[str, Any]:
    return {"state": State.PREFILLED, "source": source} | ({"digest": fact.digest} if fact else {})


def _anchor(known: Field, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in known.anchor)


def _locked(known: Field, row: dict[str, Any]) -> dict[str, Any]:
    return {name: text for name, text in row.items() if name in known.locked}
