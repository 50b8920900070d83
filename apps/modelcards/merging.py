"""An edit of a card that somebody else saved meanwhile: what goes on top of theirs, and what both changed. Pure."""

from dataclasses import dataclass

from apps.modelcards.content import Content, State
from apps.modelcards.filling import Edit


@dataclass(frozen=True)
class Merged:
    """`edit`: what can be saved on top of theirs; `conflicts`: the fields that both changed, each in its own way."""

    edit: Edit
    conflicts: tuple[str, ...] = ()


def three_way(base: Content, mine: Edit, theirs: Content) -> Merged:
    """Return what of `mine`, made from `base`, holds on top of `theirs`."""
    taken: list[str] = []
    conflicts: list[str] = []
    for name in touched(mine):
        if same(base, theirs, name) or _agrees(mine, theirs, name):
            taken.append(name)
        else:
            conflicts.append(name)
    return Merged(only(mine, taken), tuple(conflicts))


def touched(edit: Edit) -> list[str]:
    """Return the fields that an edit says something of, each once."""
    return list(dict.fromkeys([*edit.values, *edit.lacking, *edit.overrides, *sorted(edit.confirm)]))


def only(edit: Edit, names: list[str]) -> Edit:
    """Return what an edit says of these fields."""
    wanted = set(names)
    values, lacking, overrides, seen = (
        {name: item for name, item in said.items() if name in wanted}
        for said in (edit.values, edit.lacking, edit.overrides, edit.seen)
    )
    return Edit(values, edit.confirm & wanted, lacking, overrides, seen)


def same(one: Content, other: Content, name: str) -> bool:
    """Return whether two contents say the same of a field. Who confirmed it does not count."""
    return one.values.get(name) == other.values.get(name) and _reasons(one, name) == _reasons(other, name)


def _reasons(content: Content, name: str) -> tuple[str, str]:
    """Return why a field does not apply, and why it says otherwise than MLflow."""
    state = content.states.get(name, {})
    lacking = str(state.get("reason", "")) if state.get("state") == State.NOT_APPLICABLE else ""
    return lacking, str((state.get("override") or {}).get("reason", ""))


def _agrees(mine: Edit, theirs: Content, name: str) -> bool:
    """Whether both came to the same, so that nobody loses anything."""
    lacking, override = _reasons(theirs, name)
    if name in mine.lacking:
        return mine.lacking[name] == lacking
    return name in mine.values and (mine.values[name], mine.overrides.get(name, "")) == (
        theirs.values.get(name), override)  # fmt: skip
