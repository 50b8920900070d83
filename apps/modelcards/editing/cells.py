"""What stands in the inputs of one field, as cells: from what was posted, and from a value. Pure.

The names of inputs are `field`, `field-3`, `field-3-part`, `field-part`, `field-3-details-2-name`; a row keeps its
number for as long as the form is open. Marks of a field, such as whether it is confirmed, stand beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.modelcards.content import digest_of
from apps.modelcards.schema.fields import Field
from apps.modelcards.schema.kinds import Kind

Posted = Mapping[str, list[str]]
Place = tuple[str, ...]
# No part of a record is called so: a test asks. "listed" says that the rows of a field are in the form, also when all
# of them were removed; "agree" is set by a button; "fact" is the digest of what MLflow said when the form was shown.
MARKS = ("confirm", "why", "lacks", "differ", "choose", "was", "listed", "agree", "fact")
OF = "of"  # says which fact a row is about
NAME, TEXT = "name", "text"  # of a row of a mapping
LONGEST_NUMBER = 6  # digits of a row's number
ROWS = frozenset({Kind.ITEMS, Kind.MAPPING, Kind.RECORDS})


@dataclass(frozen=True)
class Cells:
    """The inputs of one field: {("3", "value"): text}, and its marks. Without cells nothing of its value was posted."""

    known: Field
    texts: dict[Place, str] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)

    def mark(self, name: str) -> str:
        """Return one of MARKS without surrounding space; "" when it is not there."""
        return self.marks.get(name, "").strip()

    @property
    def numbers(self) -> list[str]:
        """The numbers of its rows, in order."""
        return sorted({place[0] for place in self.texts if place and place[0].isdecimal()}, key=int)

    @property
    def posted(self) -> bool:
        """Whether anything of its value was in the form."""
        return bool(self.texts or self.mark("listed"))

    def rows(self) -> dict[str, dict[Place, str]]:
        """Return the cells of all rows by number, in order."""
        found: dict[str, dict[Place, str]] = {number: {} for number in self.numbers}
        for place, text in self.texts.items():
            if place and place[0] in found:
                found[place[0]][place[1:]] = text
        return found


def posted_cells(posted: Posted, fields: Iterable[Field]) -> dict[str, Cells]:
    """Return {field: cells} of what was posted about these fields; whatever else was posted is not looked at."""
    found = {known.name: Cells(known) for known in fields}
    for name, texts in posted.items():
        first, *rest = name.split("-")
        cells = found.get(first)
        if cells is None or not texts:
            continue
        if len(rest) == 1 and rest[0] in MARKS:
            cells.marks[rest[0]] = texts[-1]
        elif _fits(cells.known, tuple(rest)):
            cells.texts[tuple(rest)] = texts[-1].replace("\r\n", "\n")
    return {name: cells for name, cells in found.items() if cells.texts or cells.marks}


def names_of(cells: Cells) -> dict[str, list[str]]:
    """Return cells as they are posted: the opposite of `posted_cells`."""
    name = cells.known.name
    texts = {"-".join((name, *place)): [text] for place, text in cells.texts.items()}
    return texts | {f"{name}-{mark}": [text] for mark, text in cells.marks.items()}


def value_cells(known: Field, value: Any) -> dict[Place, str]:
    """Return the cells in which a value stands."""
    match known.kind:
        case Kind.ITEMS:
            return {(str(place),): text for place, text in enumerate(value or [])}
        case Kind.MAPPING:
            return _mapping_cells((), value or {})
        case Kind.RECORD:
            return {(name,): text for name, text in (value or {}).items()}
        case Kind.RECORDS:
            rows = enumerate(value or [])
            return {(str(place), *rest): text for place, row in rows for rest, text in _record_cells(row).items()}
    return {(): value or ""}


def about(known: Field, row: Mapping[str, Any]) -> str:
    """Return which fact a row is about, as its input OF says it: the same for the same anchor parts."""
    return str(digest_of([row.get(name) for name in known.anchor])[:16])


def _record_cells(row: Mapping[str, Any]) -> dict[Place, str]:
    found: dict[Place, str] = {}
    for name, item in row.items():
        found |= _mapping_cells((name,), item) if isinstance(item, dict) else {(name,): item}
    return found


def _mapping_cells(before: Place, value: Mapping[str, str]) -> dict[Place, str]:
    found: dict[Place, str] = {}
    for place, (name, text) in enumerate(value.items()):
        found |= {(*before, str(place), NAME): name, (*before, str(place), TEXT): text}
    return found


def _fits(known: Field, place: Place) -> bool:
    """Whether a field has an input in this place."""
    if known.kind not in ROWS:
        return place in [(part.name,) for part in known.parts] if known.parts else place == ()
    number, rest = place[:1], place[1:]
    if not number or not _is_number(number[0]):
        return False
    if known.kind is Kind.ITEMS:
        return rest == ()
    if known.kind is Kind.MAPPING:
        return rest in ((NAME,), (TEXT,))
    parts = {part.name: part.kind for part in known.parts}
    if len(rest) == 1:
        return rest[0] == OF or parts.get(rest[0], Kind.MAPPING) is not Kind.MAPPING
    within = len(rest) == 3 and parts.get(rest[0]) is Kind.MAPPING
    return within and _is_number(rest[1]) and rest[2] in (NAME, TEXT)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER
