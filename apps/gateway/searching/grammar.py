"""MLflow's little language of searches, read as MLflow 3.17 reads it. Pure.

Only what is read here for certain as MLflow reads it is taken; anything else is `Beyond`, and MLflow may look at it.
Every expression matches in time that grows with the text, and no more.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_CONDITIONS = 100  # more would be too deep an expression for SQLite
TEXTS = frozenset({"=", "!=", "LIKE", "ILIKE"})
LISTS = frozenset({"IN", "NOT IN"})
NUMBERS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_SPACE = re.compile(r"[ \t\r\n]*")
_AND = re.compile(r"[ \t\r\n]+AND[ \t\r\n]+", re.IGNORECASE)
_FIELD = re.compile(
    r"""(?:(?P<entity>attribute|tags?)\.)?
    (?:`(?P<ticked>[^`]+)`|"(?P<quoted>[^"`\\]+)"|(?P<plain>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))""",
    re.ASCII | re.VERBOSE,
)
_COMPARATOR = re.compile(
    r"[ \t\r\n]*(?P<sign>!=|>=|<=|[=<>])[ \t\r\n]*|[ \t\r\n]+(?P<word>NOT[ \t\r\n]+IN|IN|LIKE|ILIKE)(?!\w)[ \t\r\n]*",
    re.IGNORECASE,
)
# MLflow takes "''" and "\'" inside a text for parts of it, and leaves both as they stand: that is nobody's wish.
_TEXT = re.compile(r"""'((?:[^'\\]|\\(?!'))*)'(?!')|"((?:[^"\\]|\\(?!"))*)"(?!")""")
_NUMBER = re.compile(r"([0-9]{1,9})(?![\w.])")
_ORDER = re.compile(r"(?:(?P<entity>attribute)\.)?(?P<key>[a-z_]+)(?:[ \t]+(?P<way>ASC|DESC))?", re.IGNORECASE)
_KEYWORDS = frozenset({"case", "in", "values", "using", "from", "as"})  # no names, even after a dot

Value = str | int | tuple[str, ...]


class Beyond(Exception):
    """What is asked is not, or not for certain, what this module understands."""


@dataclass(frozen=True)
class Kind:
    """What is searched: by which attributes (with their comparators), and in which orders."""

    attributes: dict[str, frozenset[str]]
    orders: dict[str, str]  # MLflow's name → what it sorts by
    entity_in_order: bool  # whether "attribute.name" may stand in an order
    default_order: tuple[tuple[str, bool], ...]
    ties: tuple[tuple[str, bool], ...]  # what follows in any order, unless it is in it


@dataclass(frozen=True)
class Condition:
    """One comparison; `tag` says that `key` is the key of a tag, else it is an attribute."""

    tag: bool
    key: str
    comparator: str
    value: Value


MODELS = Kind(
    attributes={"name": TEXTS | LISTS},
    orders={"name": "name", "timestamp": "updated", "last_updated_timestamp": "updated"},
    entity_in_order=False,
    default_order=(),
    ties=(("name", False),),
)
VERSIONS = Kind(
    attributes={
        "name": TEXTS | LISTS, "run_id": TEXTS | LISTS, "source_path": TEXTS, "version_number": NUMBERS,
    },
    orders={
        "name": "name", "version_number": "number", "creation_timestamp": "created",
        "last_updated_timestamp": "updated",
    },
    entity_in_order=True,
    default_order=(("updated", True), ("name", False), ("number", True)),
    ties=(("name", False), ("number", True)),
)  # fmt: skip


def conditions(kind: Kind, text: str) -> tuple[Condition, ...]:
    """Return the comparisons of a filter, all of which must hold. Raises Beyond."""
    if not text:
        return ()
    found: list[Condition] = []
    at = _end(_SPACE, text, 0)
    while True:
        condition, at = _condition(kind, text, at)
        found.append(condition)
        if len(found) > MAX_CONDITIONS:
            raise Beyond("conditions")
        if _end(_SPACE, text, at) == len(text):
            return tuple(found)
        at = _end(_AND, text, at)


def order(kind: Kind, texts: Iterable[str]) -> tuple[tuple[str, bool], ...]:
    """Return by what to sort, and whether downwards: whole, so that no two rows are equal. Raises Beyond."""
    asked: list[tuple[str, bool]] = []
    for text in texts:
        match = _ORDER.fullmatch(text)
        if not match or match["key"] not in kind.orders or (match["entity"] not in (None, "attribute")):
            raise Beyond("order")
        if match["entity"] and not kind.entity_in_order:
            raise Beyond("order")
        asked.append((kind.orders[match["key"]], (match["way"] or "").upper() == "DESC"))
    asked = asked or list(kind.default_order)
    columns = [column for column, _descending in asked]
    if len(set(columns)) != len(columns):
        raise Beyond("order")
    return (*asked, *(tie for tie in kind.ties if tie[0] not in columns))


def _condition(kind: Kind, text: str, at: int) -> tuple[Condition, int]:
    tag, key, at = _field(text, at)
    match = _COMPARATOR.match(text, at)
    allowed = TEXTS if tag else kind.attributes.get(key, frozenset())
    comparator = " ".join((match["sign"] or match["word"]).upper().split()) if match else ""
    if match is None or comparator not in allowed:
        raise Beyond("comparator")
    value, at = _value(text, match.end(), comparator, number=allowed is NUMBERS)
    return Condition(tag, key, comparator, value), at


def _field(text: str, at: int) -> tuple[bool, str, int]:
    """Return whether a tag or an attribute is named, its key, and where it ends."""
    match = _FIELD.match(text, at)
    tag = match is not None and match["entity"] in ("tag", "tags")
    if match is None or not (match["plain"] or tag):
        raise Beyond("field")
    plain = match["plain"] or ""
    if _KEYWORDS.intersection(plain.lower().split(".")):
        raise Beyond("field")
    return tag, plain or match["ticked"] or match["quoted"], match.end()


def _value(text: str, at: int, comparator: str, *, number: bool) -> tuple[Value, int]:
    if number:
        return int(text[at : (end := _end(_NUMBER, text, at))]), end
    if comparator in LISTS:
        return _list(text, at)
    value, at = _text(text, at)
    if comparator.endswith("LIKE") and "\\" in value:
        raise Beyond("pattern")  # whether it escapes depends on MLflow's database
    if comparator == "ILIKE" and any(sign > "\x7f" and sign.lower() != sign.upper() for sign in value):
        raise Beyond("pattern")  # and so does what is the same letter
    return value, at


def _list(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """Return a list of texts. MLflow reads it as one of Python's: what that would read differently is refused."""
    found: list[str] = []
    opening = "("
    while True:
        if text[at : at + 1] != opening:
            raise Beyond("list")
        value, at = _text(text, _end(_SPACE, text, at + 1))
        if "\\" in value or "\n" in value or "\r" in value:
            raise Beyond("list")
        found.append(value)
        at, opening = _end(_SPACE, text, at), ","
        if text[at : at + 1] == ")":
            return tuple(found), at + 1


def _text(text: str, at: int) -> tuple[str, int]:
    match = _TEXT.match(text, at)
    if match is None:
        raise Beyond("text")
    return match[0][1:-1], match.end()


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    if match is None:
        raise Beyond("text")
    return match.end()
