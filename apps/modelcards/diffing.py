"""What differs between two contents of a card, field by field. Pure.

Records are told apart by the key parts of their field, names of a mapping by themselves, items of a list by what they
say; what finds no partner that way is paired by its place. Prose is compared word by word (wording.py).
"""

import dataclasses
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from apps.modelcards import wording
from apps.modelcards.content import Content, State
from apps.modelcards.schema.fields import FIELDS, Field
from apps.modelcards.schema.kinds import Kind, Text
from apps.modelcards.wording import ADDED, REMOVED, SAME, Effort, Piece

CHANGED = "changed"
SHORTEST = 12  # characters of what is compared by word
STEPS = 1_500_000  # of a whole card: half a second at worst
Pair = tuple[Any, Any]  # (before, after); None where there is none
Reading = tuple[str, Text, bool, Callable[[Any], str]]  # name and label of a part, whether by word, how it is read
_WHOLE: Reading = ("", "", True, str)


@dataclass(frozen=True)
class PartChange:
    """One part of a record, or one text, that differs. `pieces` are its words."""

    name: str
    label: Text
    before: str
    after: str
    pieces: list[Piece]


@dataclass(frozen=True)
class EntryChange:
    """One record, name of a mapping or item of a list that differs. `title` says which; `parts`: what of it."""

    change: str
    title: str
    parts: list[PartChange]


@dataclass(frozen=True)
class FieldChange:
    """One field that differs. `change`: added, removed, changed; or "state", where only how settled it is differs.

    `before` and `after` are its values, `was` and `now` its states ("edited", …). A line or prose has `pieces`, every
    other kind `entries`.
    """

    field: Field
    change: str
    before: Any
    after: Any
    was: str
    now: str
    pieces: list[Piece] = dataclasses.field(default_factory=list)
    entries: list[EntryChange] = dataclasses.field(default_factory=list)


def differences(before: Content, after: Content, *, states: bool = True) -> list[FieldChange]:
    """Return the fields that differ, in the order of the table. `states`: also those where only the state does."""
    effort = Effort(STEPS)
    found = (change_of(known, before, after, effort) for known in FIELDS)
    return [change for change in found if change and (states or change.change != "state")]


def change_of(known: Field, before: Content, after: Content, effort: Effort | None = None) -> FieldChange | None:
    """Return how one field differs; None where it does not."""
    old, new = before.values.get(known.name), after.values.get(known.name)
    was, now = before.state(known.name), after.state(known.name)
    if old == new:
        if _meaning(before, known) == _meaning(after, known) and was == now:
            return None
        return FieldChange(known, "state", old, new, was, now)
    pieces, entries = _inside(known, old, new, effort or Effort(STEPS))
    change = ADDED if old is None else REMOVED if new is None else CHANGED
    return FieldChange(known, change, old, new, was, now, pieces, entries)


def pieces_of(before: Any, after: Any, effort: Effort | None = None, *, by_word: bool = True) -> list[Piece]:
    """Return two texts word by word; None counts as nothing.

    A line, a number, a date, or a text of a word or two, is shown whole on either side: "0.8" → "0.9" is one change.
    """
    old, new = _text(before), _text(after)
    if by_word and min(len(old), len(new)) >= SHORTEST:
        return wording.compared(old, new, effort)
    return [Piece(change, text) for change, text in ((REMOVED, old), (ADDED, new)) if text]


def _inside(known: Field, old: Any, new: Any, effort: Effort) -> tuple[list[Piece], list[EntryChange]]:
    match known.kind:
        case Kind.RECORDS:
            return [], [_record(known, pair, effort) for pair in _keyed(old or [], new or [], known.keys)]
        case Kind.RECORD:
            return [], [_record(known, (old, new), effort)]
        case Kind.MAPPING:
            return [], _mapping(old or {}, new or {}, effort)
        case Kind.ITEMS:
            return [], [_item(pair, effort) for pair in _placed(old or [], new or [], effort)]
    return pieces_of(old, new, effort, by_word=known.kind is Kind.PROSE), []


def _keyed(old: list[Any], new: list[Any], keys: tuple[str, ...]) -> Iterable[Pair]:
    """Yield the records that differ, in the new order and then those that went."""
    seen = _by_key(old, keys)
    partners: dict[Hashable, tuple[int, Any]] = {}
    alone: list[tuple[int, Any]] = []
    for key, placed in _by_key(new, keys).items():
        if key in seen:
            partners[placed[0]] = seen.pop(key)
        else:
            alone.append(placed)
    gone = dict(seen.values())
    for place, _row in alone:  # what has no partner by its key is the one that stood in its place, if that went
        if place in gone:
            partners[place] = (place, gone.pop(place))
    for place, row in enumerate(new):
        before = partners[place][1] if place in partners else None
        if before != row:
            yield before, row
    yield from ((row, None) for row in gone.values())


def _by_key(rows: list[Any], keys: tuple[str, ...]) -> dict[Hashable, tuple[int, Any]]:
    """Return {key: (place, record)}; the second of the same key gets a key of its own."""
    found: dict[Hashable, tuple[int, Any]] = {}
    counts: dict[Hashable, int] = {}
    for place, row in enumerate(rows):
        key: tuple[Hashable, ...] = tuple(row.get(name) for name in keys) or (place,)
        counts[key] = counts.get(key, -1) + 1
        found[(*key, counts[key])] = (place, row)
    return found


def _placed(old: list[str], new: list[str], effort: Effort) -> Iterable[Pair]:
    """Yield the items that differ: of those that went and came at the same place, each is one that changed."""
    script = wording.aligned(old, new, Effort(min(wording.STEPS, max(effort.left, 0))))
    if script is None:
        script = [(REMOVED, place, 0) for place in range(len(old))] + [(ADDED, 0, place) for place in range(len(new))]
    gone: list[str] = []
    come: list[str] = []
    for change, before, after in [*script, (SAME, -1, -1)]:
        if change == REMOVED:
            gone.append(old[before])
        elif change == ADDED:
            come.append(new[after])
        else:
            for place in range(max(len(gone), len(come))):
                yield (gone[place] if place < len(gone) else None), (come[place] if place < len(come) else None)
            gone, come = [], []


def _mapping(old: dict[str, str], new: dict[str, str], effort: Effort) -> list[EntryChange]:
    names = [*new, *(name for name in old if name not in new)]
    pairs = ((name, old.get(name), new.get(name)) for name in names)
    return [_entry(name, (before, after), [_WHOLE], effort) for name, before, after in pairs if before != after]


def _item(pair: Pair, effort: Effort) -> EntryChange:
    return _entry("", pair, [_WHOLE], effort)


def _record(known: Field, pair: Pair, effort: Effort) -> EntryChange:
    shown = pair[1] or pair[0]
    title = " · ".join(str(shown[name]) for name in known.keys if shown.get(name))
    named = [(part.name, part.label, part.kind is not Kind.LINE, _reader(part.name)) for part in known.parts]
    return _entry(title, pair, named, effort)


def _reader(name: str) -> Callable[[Any], str]:
    return lambda row: _text(row.get(name))


def _entry(title: str, pair: Pair, parts: list[Reading], effort: Effort) -> EntryChange:
    before, after = pair
    change = ADDED if before is None else REMOVED if after is None else CHANGED
    found = []
    for name, label, by_word, read in parts:
        old, new = ("" if row is None else read(row) for row in pair)
        if old != new:
            found.append(PartChange(name, label, old, new, pieces_of(old, new, effort, by_word=by_word)))
    return EntryChange(change, title, found)


def _text(value: Any) -> str:
    """Return a value as a text to compare; a mapping inside a record as its lines."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {text}" for name, text in value.items())
    return str(value)


def _meaning(content: Content, known: Field) -> tuple[Any, Any]:
    state = content.states.get(known.name, {})
    lacking = state.get("reason") if state.get("state") == State.NOT_APPLICABLE else None
    return lacking, (state.get("override") or {}).get("reason")
