"""What a person changed in the form of a section, against what the form was made from. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.modelcards import filling, rules
from apps.modelcards.content import Content, State, digest_of
from apps.modelcards.editing.cells import Cells, Place
from apps.modelcards.editing.values import WrongCell, locked, value_of
from apps.modelcards.facts import Fact
from apps.modelcards.filling import Edit
from apps.modelcards.merging import touched
from apps.modelcards.rules import Standing

YES, THEIRS = "1", "theirs"


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a field, and in which of its cells."""

    message: str
    place: Place = ()


@dataclass(frozen=True)
class Mine:
    """The fields that were changed, as an edit of the card; and those at fault."""

    edit: Edit = field(default_factory=Edit)
    wrong: Mapping[str, Wrong] = field(default_factory=dict)

    @property
    def touched(self) -> list[str]:
        """The fields that the person changed, right or wrong."""
        return list(dict.fromkeys([*touched(self.edit), *self.wrong]))


@dataclass
class _Draft:
    values: dict[str, Any] = field(default_factory=dict)
    confirm: set[str] = field(default_factory=set)
    lacking: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)


def changes(typed: Mapping[str, Cells], base: Content, facts: Mapping[str, Fact]) -> Mine:
    """Return what somebody changed. `base` is the card as the form showed it, before facts are taken anew.

    A field of which nothing was posted, or nothing else than was shown, is not changed.
    """
    shown, said, wrong = filling.refreshed(base, facts), _Draft(), dict[str, Wrong]()
    for name, cells in typed.items():
        try:
            _change(cells, base, shown, facts.get(name), said)
        except WrongCell as error:
            wrong[name] = Wrong(error.message, error.place)
    return Mine(Edit(said.values, frozenset(said.confirm), said.lacking, said.overrides, said.seen), wrong)


def confirming(mine: Mine, typed: Mapping[str, Cells], shown: Content) -> Mine:
    """Return the same, with everything confirmed that is filled in, is no placeholder, and was not settled before."""
    values = {name: value for name, value in {**shown.values, **mine.edit.values}.items() if value is not None}
    states = {name: state for name, state in shown.states.items() if name not in mine.edit.values}
    standing = rules.standings(Content(values, states))
    due = {name for name in typed if standing[name] is Standing.UNCONFIRMED} - {*mine.edit.lacking, *mine.wrong}
    again = {name: states[name]["reason"] for name in due if name not in values}
    edit = mine.edit
    confirm = edit.confirm | (due - again.keys())
    return Mine(Edit(edit.values, confirm, {**edit.lacking, **again}, edit.overrides, edit.seen), mine.wrong)


def confirmed_as(content: Content, name: str) -> str:
    """Return what the input "confirm" of a field holds: for a confirmed one the digest of what is confirmed."""
    state = content.states.get(name, {})
    if state.get("state") == State.CONFIRMED or (state.get("state") == State.NOT_APPLICABLE and state.get("by")):
        return str(digest_of([content.values.get(name), state.get("reason", "")])[:16])
    return YES


def _change(cells: Cells, base: Content, shown: Content, fact: Fact | None, said: _Draft) -> None:
    name, old = cells.known.name, shown.values.get(cells.known.name)
    if cells.mark("fact"):
        said.seen[name] = cells.mark("fact")
    if cells.mark("was") and not cells.mark("choose"):
        raise WrongCell(_("Somebody else changed this too. Choose theirs, or yours as it stands below."))
    if cells.mark("choose") == THEIRS:
        return
    value = value_of(cells, fact, old) if cells.posted else old
    if cells.mark("agree") and fact is not None:
        said.values[name] = filling.with_fact(cells.known, value, fact)
        return
    confirm, lacks = cells.mark("confirm"), cells.mark("lacks")
    state = shown.states.get(name, {})
    if lacks or state.get("state") == State.NOT_APPLICABLE:
        _lacks(cells, value, state, said)
        return
    if _overridden(cells, value, base, shown, fact, said):
        pass
    elif value != old:
        said.values[name] = value
    elif shown.state(name) == State.CONFIRMED and not confirm:
        said.values[name] = value  # the person takes the confirmation back
    if confirm == YES and not (value == old and shown.state(name) == State.CONFIRMED):
        said.confirm.add(name)


def _lacks(cells: Cells, value: Any, state: Mapping[str, Any], said: _Draft) -> None:
    """Say that a field does not apply, or that it does after all."""
    name, reason, confirm = cells.known.name, cells.mark("lacks"), cells.mark("confirm")
    if not reason:
        said.values[name] = value
        said.confirm |= {name} if confirm == YES and value is not None else set()
    elif value is not None:
        said.values[name], said.lacking[name] = value, reason
    elif reason != state.get("reason") or (confirm == YES and not state.get("by")):
        said.lacking[name] = reason


def _overridden(cells: Cells, value: Any, base: Content, shown: Content, fact: Fact | None, said: _Draft) -> bool:
    """Whether the form says otherwise than MLflow, with a reason; then it is said."""
    name, why = cells.known.name, cells.mark("why")
    before = (shown.states.get(name, {}).get("override") or {}).get("reason", "")
    if fact is None or not fact.locked:
        return False
    if not why and before and "why" in cells.marks and filling.deviation(cells.known, value, fact):
        said.values[name] = value  # which is refused: the reason is gone
        return True
    if not why:
        # What MLflow says may be another than when the form was opened: then nobody typed the older one.
        return locked(cells.known, fact) and value in (base.values.get(name), shown.values.get(name)) and not before
    if why == before and value == shown.values.get(name):
        return True
    if not filling.deviation(cells.known, value, fact):
        raise WrongCell(_("There is a reason, but this is what MLflow says. Change the value, or empty the reason."))
    said.values[name], said.overrides[name] = value, why
    return True
