"""Something named in several versions, side by side. The first version is the base that the others differ from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """`values` in the versions' order, None where a version lacks it.

    `effects`: what each later version's change means: "breaking", "compatible", "up", "major up", …; empty when
    nothing is known to follow from it.
    """

    name: str
    values: tuple[Any, ...]
    effects: tuple[str, ...] = ()

    @property
    def base(self) -> Any:
        """The value in the base."""
        return self.values[0]

    @property
    def candidate(self) -> Any:
        """The value in the version compared with the base; the first of them."""
        return self.values[1]

    @property
    def changes(self) -> tuple[str, ...]:
        """How each later version differs from the base: "same", "changed", "added" or "removed"."""
        return tuple(change(self.base, value) for value in self.values[1:])

    @property
    def change(self) -> str:
        """The same for the row as a whole."""
        found = set(self.changes)
        if found <= {"same"}:
            return "same"
        return "added" if self.base is None else "removed" if found == {"removed"} else "changed"


def change(base: Any, value: Any) -> str:
    """Say how a value differs from the base's."""
    if base == value:
        return "same"
    return "added" if base is None else "removed" if value is None else "changed"


def rows(sides: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Pair dicts by key: in the base's order, then what only later ones have."""
    names: dict[str, None] = {}
    for side in sides:
        names.update(dict.fromkeys(side))
    return [Row(name, tuple(side.get(name) for side in sides)) for name in names]


def count_changed(compared: Sequence[Row], place: int = 0) -> int:
    """Return in how many rows a later version (`place`, counted from 0) differs from the base."""
    return sum(row.changes[place] != "same" for row in compared)
