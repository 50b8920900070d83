"""Pages of a long list by their place in its order, not by their number: page 200 costs what page 1 costs.

A cursor says before or after which row (value of the sorted column, id) a page stands. Rows that come and go meanwhile
move nothing: no row is shown twice or left out. Rows without a value (null, or an empty text where the column may be
empty) come last, whichever way the list is sorted.
"""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import BooleanField, DateTimeField, F, Field, Func, IntegerField, Q, QuerySet, Value
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.errors import InvalidInput

MAX_CURSOR = 4000  # characters
MAX_VALUE = 500  # characters of a text that a cursor carries, for addresses are bounded; a longer one is looked up
LOOK_UP: list[Any] = []  # what a cursor carries in place of a longer one
NEXT, PREVIOUS = "n", "p"
Read = Callable[[Any, str], Any]  # (row, column) → value
ById = Callable[[QuerySet, list[str]], Iterable[Any]]  # ids, keys of the order → the rows with these ids, in order


@dataclass(frozen=True)
class Order:
    """By which column a list is sorted, and which way; rows of equal value are sorted by id."""

    column: str
    descending: bool = False

    @classmethod
    def of(cls, text: str) -> "Order":
        """Read "name" or "-name"."""
        return cls(text.removeprefix("-"), text.startswith("-"))

    def __str__(self) -> str:
        return f"-{self.column}" if self.descending else self.column


@dataclass(frozen=True)
class Slice:
    """One page: its rows, and the cursors of the pages before and after it; empty texts where there is none."""

    rows: list[Any]
    next: str
    previous: str


@dataclass(frozen=True)
class _Place:
    """Before or after which row a page stands."""

    direction: str
    value: Any
    pk: int


def page(
    rows: QuerySet, order: Order, size: int, cursor: str = "", *, read: Read = getattr, by_id: ById | None = None
) -> Slice:
    """Return `size` rows from `cursor` on, the first ones without it. One query; two where rows without value begin.

    `rows` come without an order, with their id and the sorted column; `read` takes a column from one of them. With
    `by_id` the page's ids are found first, within the query, so that no wide row is read which is not shown. Raises
    InvalidInput (field "cursor") for a cursor of another list or order, or of nobody's making.
    """
    place = _decode(cursor, order, rows) if cursor else None
    if place and place.direction == PREVIOUS:
        found = _take(rows, order, size + 1, place, by_id)
        if len(found) >= size:  # else the rows before are fewer than a page: show the first page, whole
            more = len(found) > size
            shown = found[:size][::-1]
            return Slice(shown, _after(shown, order, read), _before(shown, order, read) if more else "")
        place = None
    found = _take(rows, order, size + 1, place, by_id)
    shown = found[:size]
    return Slice(
        shown,
        _after(shown, order, read) if len(found) > size else "",
        _before(shown, order, read) if place else "",
    )


def _take(rows: QuerySet, order: Order, size: int, place: _Place | None, by_id: ById | None) -> list[Any]:
    """Return up to `size` rows beyond a place, nearest first: those with a value, then those without, or backwards."""
    field = rows.model._meta.get_field(order.column)
    backwards = place is not None and place.direction == PREVIOUS
    descending = order.descending != backwards
    parts = _parts(rows, field)
    found: list[Any] = []
    for missing, part in reversed(parts) if backwards else parts:
        if place is not None:
            if (place.value in (None, "") and len(parts) > 1) != missing:
                if missing == backwards:  # the whole part stands on the other side of the place
                    continue
            else:
                part = part.filter(_beyond(field, place, missing=missing, descending=descending))
        keys = ["pk"] if missing else [order.column, "pk"]
        keys = [f"-{key}" if descending else key for key in keys]
        part, wanted = part.order_by(*keys), size - len(found)
        found += by_id(part.values("pk")[:wanted], keys) if by_id else part[:wanted]
        if len(found) >= size:
            break
    return found


def _parts(rows: QuerySet, field: Field) -> list[tuple[bool, QuerySet]]:
    """Return the rows with a value, and apart those without where there may be such: (whether it is missing, rows)."""
    if field.null:
        name = f"{field.name}__isnull"
        return [(False, rows.filter(**{name: False})), (True, rows.filter(**{name: True}))]
    if field.blank and field.empty_strings_allowed:
        return [(False, rows.filter(**{f"{field.name}__gt": ""})), (True, rows.filter(**{field.name: ""}))]
    return [(False, rows)]


def _beyond(field: Field, place: _Place, *, missing: bool, descending: bool) -> Any:
    """Return the condition that a row stands beyond a place; a comparison of pairs, which an index answers."""
    if missing:
        return Q(pk__lt=place.pk) if descending else Q(pk__gt=place.pk)
    row = Func(F(field.name), F("pk"), template="(%(expressions)s)", output_field=BooleanField())
    than = Func(
        Value(place.value, output_field=field), Value(place.pk), template="(%(expressions)s)",
        output_field=BooleanField(),
    )  # fmt: skip
    return Func(
        row, than, template="%(expressions)s", arg_joiner=" < " if descending else " > ", output_field=BooleanField()
    )


def _after(shown: list[Any], order: Order, read: Read) -> str:
    return _encode(NEXT, shown[-1], order, read) if shown else ""


def _before(shown: list[Any], order: Order, read: Read) -> str:
    return _encode(PREVIOUS, shown[0], order, read) if shown else ""


def _encode(direction: str, row: Any, order: Order, read: Read) -> str:
    value = read(row, order.column)
    value = value.isoformat() if isinstance(value, datetime) else value
    value = LOOK_UP if isinstance(value, str) and len(value) > MAX_VALUE else value
    text = json.dumps([direction, str(order), value, read(row, "id")], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, order: Order, rows: QuerySet) -> _Place:
    """Read a cursor. Nothing in it is believed, and it opens nothing: it only says where in `rows` to stand."""
    field = rows.model._meta.get_field(order.column)
    try:
        text = base64.b64decode(cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        direction, ordering, value, pk = json.loads(text)
        if direction in (NEXT, PREVIOUS) and ordering == str(order) and type(pk) is int and 0 < pk < 2**63:
            if value == LOOK_UP:
                value = rows.values_list(order.column, flat=True).get(pk=pk)
            return _Place(direction, _value(value, field), pk)
    except (ValueError, TypeError, RecursionError, ObjectDoesNotExist):
        pass
    raise InvalidInput(
        _("This cursor belongs to another list or order. Leave it out to start at the first page."), field="cursor"
    )


def _value(value: Any, field: Field) -> Any:
    """Return a cursor's value as the column's own. Raises ValueError or TypeError for one that cannot stand there."""
    if value is None and field.null:
        return None
    if isinstance(field, DateTimeField):
        at = parse_datetime(value)
        if at is None or at.tzinfo is None:
            raise ValueError(value)
        return at
    if isinstance(field, IntegerField):
        if type(value) is not int or abs(value) >= 2**31:
            raise ValueError(value)
        return value
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    value.encode()  # half a surrogate pair is no text
    return value
