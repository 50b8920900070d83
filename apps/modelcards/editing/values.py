"""The value that cells say, with what MLflow answers for as MLflow says it now. Pure."""

from typing import Any

from django.utils.translation import gettext as _

from apps.modelcards.content import value_from
from apps.modelcards.editing.cells import NAME, OF, TEXT, Cells, Place, about
from apps.modelcards.facts import Fact
from apps.modelcards.schema.fields import Field
from apps.modelcards.schema.kinds import Kind, Refused

BROKEN = "\ufffd"  # what stands in place of bytes that are no UTF-8
Rows = list[tuple[str, Any]]  # number of the row in the form ("" when it is not shown there), and what it says


class WrongCell(ValueError):
    """A cell that the field does not take. `place`: where it stands, () for the field as a whole."""

    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


def value_of(cells: Cells, fact: Fact | None, shown: Any) -> Any:
    """Return the value as it is kept, None when empty. `shown` is what the form was made from.

    Rows about facts keep their locked parts; those that are not in the form stay as they were shown. Raises WrongCell.
    """
    for place, text in cells.texts.items():
        if BROKEN in text:
            message = _("This holds bytes that are no UTF-8, shown as %(sign)s. Write those characters again.")
            raise WrongCell(message % {"sign": BROKEN}, place)
    known = cells.known
    if known.kind in (Kind.ITEMS, Kind.RECORDS):
        rows = _records(cells, fact, shown) if known.kind is Kind.RECORDS else _items(cells)
        return _kept(known, [row for _number, row in rows], [number for number, _row in rows])
    if known.kind is Kind.MAPPING:
        return _kept(known, _mapping(cells.rows(), ()), [])
    if known.kind is Kind.RECORD:
        typed = {place[0]: text for place, text in cells.texts.items()}
        return _kept(known, {**(shown or {}), **typed}, [])
    return _kept(known, cells.texts.get((), ""), [])


def locked_rows(known: Field, fact: Fact | None) -> bool:
    """Whether MLflow answers for parts of each row, so that people add to rows rather than write them."""
    return fact is not None and fact.locked and known.kind is Kind.RECORDS and bool(known.locked)


def locked(known: Field, fact: Fact | None) -> bool:
    """Whether MLflow answers for the whole field, so that writing it takes a reason."""
    if fact is None or not fact.locked or known.kind is Kind.RECORDS:
        return False
    return known.kind is not Kind.RECORD or set(known.locked) <= set(fact.value)


def _items(cells: Cells) -> Rows:
    return [(number, cells.texts.get((number,), "")) for number in cells.numbers]


def _records(cells: Cells, fact: Fact | None, shown: Any) -> Rows:
    known = cells.known
    typed = {number: _record(known, row, number) for number, row in cells.rows().items()}
    if not locked_rows(known, fact) or cells.mark("differ"):
        return list(typed.items())
    by_anchor = {about(known, row): row for row in reversed(shown or [])}
    places = {row.get(OF): number for number, row in typed.items() if row.get(OF)}
    found: Rows = []
    for row in fact.value if fact else []:
        of = about(known, row)
        number = places.pop(of, "")
        base = by_anchor.get(of, row)
        found.append((number, _added(known, base, typed[number]) if number else base))
    for number, row in typed.items():
        of = row.get(OF, "")
        if not of:
            found.append((number, row))
        elif of in places and of in by_anchor:  # MLflow no longer says it: it is the person's own row now
            found.append((number, _added(known, by_anchor[of], row)))
    return found


def _added(known: Field, base: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """Return a row about a fact with what a person added; parts that are not in the form stay."""
    return {**base, **{name: text for name, text in typed.items() if name not in known.locked}}


def _record(known: Field, row: dict[Place, str], number: str) -> dict[str, Any]:
    found: dict[str, Any] = {place[0]: text for place, text in row.items() if len(place) == 1}
    for part in known.parts:
        inner = {place[1:]: text for place, text in row.items() if len(place) > 1 and place[0] == part.name}
        if part.kind is Kind.MAPPING and inner:
            rows: dict[str, dict[Place, str]] = {}
            for place, text in inner.items():
                rows.setdefault(place[0], {})[place[1:]] = text
            found[part.name] = _mapping(rows, (number, part.name))
    return found


def _mapping(rows: dict[str, dict[Place, str]], before: Place) -> dict[str, str]:
    """Return names with their texts; a dict would lose what stands there twice. Raises WrongCell."""
    found: dict[str, str] = {}
    for number in sorted(rows, key=int):
        name, text = rows[number].get((NAME,), "").strip(), rows[number].get((TEXT,), "").strip()
        place = (*before, number, NAME)
        if not text:
            continue
        if not name:
            raise WrongCell(_("A text without a name. Name it, or remove it."), place)
        if name in found:
            raise WrongCell(_("The name %(name)s stands here twice. Remove one.") % {"name": name[:100]}, place)
        found[name] = text
    return found


def _kept(known: Field, value: Any, numbers: list[str]) -> Any:
    if known.kind is Kind.RECORDS:
        value = [{name: item for name, item in row.items() if name != OF} for row in value]
    try:
        return value_from(known, value)
    except Refused as refusal:
        raise WrongCell(refusal.message, _place(known, refusal.where, numbers)) from None


def _place(known: Field, where: str, numbers: list[str]) -> Place:
    """Turn "2.value", as kinds count rows, into the place of the cell in the form."""
    first, _dot, rest = where.partition(".")
    if known.kind is Kind.RECORD:
        return (first,) if first else ()
    if not numbers or not first.isdecimal():
        return ()
    number = numbers[int(first) - 1]
    part = rest.partition(".")[0]
    return (number, part) if number and part else (number,) if number else ()
