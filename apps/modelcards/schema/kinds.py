"""The kinds of value that a field of a card has: what each accepts, how it is kept, when it is as good as empty. Pure.

A value is text all the way down: a line, prose (Markdown), a list of prose, a mapping of names to text, or a list of
records. Numbers are text as whoever wrote them wrote them ("0.892", "100,000"): nothing is rounded, both databases
give back the same, and a digest means the same everywhere.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

Text = str | Promise
MAX_LINE = 1_000  # characters of one line, and of a name in a mapping
MAX_PROSE = 20_000  # characters
MAX_ROWS = 1_000  # of a list or a mapping
MAX_CELLS = 200  # rows of a mapping inside a record


class Kind(StrEnum):
    """What a value is made of."""

    LINE = "line"  # one line of text
    PROSE = "prose"  # Markdown
    DATE = "date"  # ISO 8601, a day
    CHOICE = "choice"  # one of a closed list
    ITEMS = "items"  # a list of prose
    MAPPING = "mapping"  # names and their texts
    RECORD = "record"  # the parts that the field names, once
    RECORDS = "records"  # the same, any number of times


@dataclass(frozen=True)
class Part:
    """One part of a record. `key` parts tell records apart, in comparisons and beside facts."""

    name: str
    label: Text
    kind: Kind = Kind.LINE
    key: bool = False
    options: tuple[tuple[str, Text], ...] = ()
    hint: Text = ""


class Refused(ValueError):
    """A value that a field does not take. `message` is a sentence; `where` a row and part, such as "2.value"."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where


def kept(kind: Kind, value: Any, *, parts: tuple[Part, ...] = (), options: Iterable[str] = ()) -> Any:
    """Return `value` as it is kept; None where nothing is left of it.

    Lines end in \\n, surrounding space and empty rows fall away, numbers become text. Raises Refused.
    """
    match kind:
        case Kind.LINE:
            return _line(value) or None
        case Kind.PROSE:
            return _prose(value) or None
        case Kind.DATE:
            return _date(value) or None
        case Kind.CHOICE:
            return _choice(value, options) or None
        case Kind.ITEMS:
            return [item for item in _each(_prose, _list(value)) if item] or None
        case Kind.MAPPING:
            return _mapping(value) or None
        case Kind.RECORD:
            return _record(value, parts) or None
        case Kind.RECORDS:
            return [row for row in _each(lambda row: _record(row, parts), _list(value)) if row] or None


def _text(value: Any, most: int) -> str:
    """Return a value as text: numbers and truth values as JSON writes them. Raises Refused for anything else."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int | float):
        value = repr(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(_("This has to be text, not a list or an object."))
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > most:
        message = _("This has %(length)s characters; the most is %(most)s. Shorten it, or link to where it stands.")
        raise Refused(message % {"length": len(text), "most": most})
    if not text.isprintable() and (bad := next((sign for sign in text if _unwanted(sign)), None)):
        raise Refused(_("This holds the character U+%(code)04X, which cannot be kept. Remove it.") % {"code": ord(bad)})
    return text


def _unwanted(sign: str) -> bool:
    """Return whether a character is a control sign (but for tab and line feed), or half of a surrogate pair."""
    return sign not in "\n\t" and unicodedata.category(sign) in {"Cc", "Cs"}


def _line(value: Any) -> str:
    text = _text(value, MAX_LINE)
    if "\n" in text:
        raise Refused(_("This has to be one line."))
    return text


def _prose(value: Any) -> str:
    return _text(value, MAX_PROSE)


def _date(value: Any) -> str:
    text = _line(value)
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refused(_("Write the day as YYYY-MM-DD, such as 2026-11-30.")) from None


def _choice(value: Any, options: Iterable[str]) -> str:
    text, known = _line(value), list(options)
    if text and text not in known:
        raise Refused(_("Choose one of: %(options)s.") % {"options": ", ".join(known)})
    return text


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise Refused(_("This has to be a list."))
    if len(value) > MAX_ROWS:
        message = _("This list has %(length)s rows; the most is %(most)s. Keep those that matter to who decides.")
        raise Refused(message % {"length": len(value), "most": MAX_ROWS})
    return list(value)


def _each(function: Any, rows: list[Any]) -> list[Any]:
    """Return the function's answer for each row; a refusal says which row it was, counted from 1."""
    found = []
    for number, row in enumerate(rows, start=1):
        try:
            found.append(function(row))
        except Refused as refusal:
            raise Refused(refusal.message, f"{number}.{refusal.where}".rstrip(".")) from None
    return found


def _mapping(value: Any, most: int = MAX_ROWS) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(_("This has to be names with their texts."))
    if len(value) > most:
        raise Refused(_("This has %(length)s names; the most is %(most)s.") % {"length": len(value), "most": most})
    found: dict[str, str] = {}
    for name, text in value.items():
        name = _line(name)
        try:
            text = _prose(text)
        except Refused as refusal:
            raise Refused(refusal.message, name) from None
        if text and not name:
            raise Refused(_("A text without a name. Name it, or remove it."))
        if text and name in found:
            raise Refused(_("The name %(name)s stands here twice. Remove one.") % {"name": name}, name)
        if text:
            found[name] = text
    return found


def _record(value: Any, parts: tuple[Part, ...]) -> dict[str, Any]:
    """Return one record without its empty parts. A bare text stands for the first part."""
    if isinstance(value, str):
        value = {parts[0].name: value}
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(_("This has to be an object with: %(names)s.") % {"names": ", ".join(p.name for p in parts)})
    known = {part.name: part for part in parts}
    if unknown := sorted(str(name) for name in set(value) - set(known)):
        message = _("There is no %(unknown)s here. Known: %(names)s.")
        raise Refused(message % {"unknown": ", ".join(unknown), "names": ", ".join(known)}, unknown[0])
    found: dict[str, Any] = {}
    for name, part in known.items():
        if value.get(name) is None:
            continue
        try:
            item = _part(part, value[name])
        except Refused as refusal:
            raise Refused(refusal.message, f"{name}.{refusal.where}".rstrip(".")) from None
        if item:
            found[name] = item
    return found


def _part(part: Part, value: Any) -> Any:
    if part.kind is Kind.MAPPING:
        return _mapping(value, MAX_CELLS)
    return kept(part.kind, value, options=[name for name, _label in part.options])
