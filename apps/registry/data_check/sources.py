"""Rows out of an upload, one after another: CSV with a header, or JSON in the shapes that MLflow's scoring takes."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, NoReturn

from django.utils.translation import gettext as _

from apps.registry.data_check.values import whole

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 1_000_000
MAX_COLUMNS = 10_000
MAX_HOLDERS = MAX_ROWS + 100_000  # lists and objects in JSON: a bound on memory before anything is parsed
RECORDS = ("dataframe_records", "instances")
SPACE = " \t\r\n"
Walk = Callable[[], Iterator[Any]]
CLOSES = {"[": "]", "{": "}"}
WALKED = 2  # levels of objects that are walked; deeper ones are parsed whole


class UnreadableData(Exception):
    """The upload cannot be read as rows, or is too big. The text is a sentence for people."""


@dataclass(frozen=True)
class Source:
    """Rows as they come. `columns` None: each row is a mapping; else a list in that order.

    `tensors` (JSON only) are walkers by input name: each yields what stands on the first axis.
    """

    columns: list[str] | None
    rows: Iterator[Any]
    is_text: bool  # cells of CSV: still to be read as their type
    tensors: dict[str, Walk] | None = None


def read_csv(upload: BinaryIO) -> Source:
    """Read a header now and the rows when they are asked for. Raises UnreadableData, then too."""
    lines = io.TextIOWrapper(io.BufferedReader(Counted(upload)), encoding="utf-8-sig", newline="")
    rows = _csv_rows(lines)
    header = next(rows, None)
    if not header:
        raise UnreadableData(_("The file is empty. Its first line must name the columns."))
    _refuse_columns(header)
    return Source(header, rows, is_text=True)


class Counted(io.RawIOBase):
    """Reads a stream and refuses it beyond MAX_BYTES."""

    def __init__(self, upload: BinaryIO) -> None:
        self._upload = upload
        self._seen = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._upload.read(min(len(buffer), 64 * 1024))
        self._seen += len(part)
        if self._seen > MAX_BYTES:
            raise UnreadableData(_("The file is larger than 10 MB. Check a part of it."))
        buffer[: len(part)] = part
        return len(part)


def _csv_rows(lines: io.TextIOWrapper) -> Iterator[list[str]]:
    reader = csv.reader(lines, strict=True)
    try:
        for count, row in enumerate(reader):
            if count > MAX_ROWS:
                _refuse_rows()
            if row:  # an empty line is no row
                yield row
    except UnicodeDecodeError as error:
        text = _("The file is not UTF-8: near line %(line)d there is a byte that cannot be read. Save it as UTF-8.")
        raise UnreadableData(text % {"line": reader.line_num + 1}) from error
    except csv.Error as error:
        text = _("Line %(line)d cannot be read as CSV: %(problem)s.")
        raise UnreadableData(text % {"line": reader.line_num, "problem": error}) from error


def read_json(upload: BinaryIO) -> Source:
    """Read one of MLflow's shapes. Raises UnreadableData."""
    body = io.BufferedReader(Counted(upload)).read()
    try:
        return _Json(body.decode("utf-8-sig")).source()
    except UnicodeDecodeError as error:
        text = _("The file is not UTF-8: byte %(place)d cannot be read.")
        raise UnreadableData(text % {"place": error.start + 1}) from error


class _Json:
    """Walks a JSON text and parses one row at a time, so that memory holds the text and a row."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._end = 0  # of the value that was walked last
        self._scan = json.JSONDecoder(parse_int=whole).raw_decode
        if text.count("[") + text.count("{") > MAX_HOLDERS:
            _refuse_rows()

    def source(self) -> Source:
        start = self._skip_space(0)
        if self.text[start : start + 1] == "[":
            return Source(None, self._rows(start, last=True), is_text=False)
        members = self._members(start, last=True)
        for name in RECORDS:
            if name in members:
                return Source(None, self._rows(members[name]), is_text=False)
        if "inputs" in members:
            return self._inputs(members["inputs"])
        if "dataframe_split" in members:
            members = self._members(members["dataframe_split"])
        if "data" in members:
            return Source(self._names(members), self._rows(members["data"]), is_text=False)
        raise UnreadableData(
            _("The JSON has none of the shapes that MLflow takes: a list of records, or an object with "
              "“dataframe_records”, “dataframe_split”, “instances” or “inputs”.")
        )  # fmt: skip

    def _inputs(self, start: int) -> Source:
        if self.text[start] != "{":
            return Source(None, self._rows(start), is_text=False, tensors={"": partial(self._rows, start)})
        members = self._members(start)
        _refuse_columns(list(members))
        tensors: dict[str, Walk] = {name: partial(self._rows, place) for name, place in members.items()}
        return Source(list(members), self._rows_of_columns(tensors), is_text=False, tensors=tensors)

    def _rows_of_columns(self, columns: dict[str, Walk]) -> Iterator[Any]:
        """Turn {"a": [1, 2], "b": [3, 4]} into rows; all columns are of one length."""
        walkers = [walk() for walk in columns.values()]
        try:
            yield from (list(row) for row in zip(*walkers, strict=True))
        except ValueError as error:
            raise UnreadableData(_("The columns under “inputs” are not all of the same length.")) from error

    def _names(self, members: dict[str, int]) -> list[str] | None:
        if "columns" not in members:
            return None
        names = self._value(members["columns"])[0]
        if not isinstance(names, list) or not all(isinstance(name, str | int) for name in names):
            raise UnreadableData(_("“columns” must be a list of names."))
        names = [str(name) for name in names]
        _refuse_columns(names)
        return names

    def _members(self, start: int, *, last: bool = False) -> dict[str, int]:
        """Return where the value of each name of an object begins."""
        found: dict[str, int] = {}
        for name, place in self._walk(start, "{", last=last):
            if name in found:
                raise UnreadableData(_("The name “%(name)s” stands twice in one object.") % {"name": name[:80]})
            found[name] = place
        return found

    def _rows(self, start: int, *, last: bool = False) -> Iterator[Any]:
        for count, (value, _place) in enumerate(self._walk(start, "[", last=last)):
            if count >= MAX_ROWS:
                _refuse_rows()
            yield value

    def _walk(self, start: int, opens: str, *, last: bool = False, depth: int = 0) -> Iterator[tuple[Any, int]]:
        """Walk a list, yielding (item, place), or an object, yielding (name, place of its value)."""
        closes = CLOSES[opens]
        place = self._skip_space(start)
        if self.text[place : place + 1] != opens:
            self._refuse(place, _("a list of rows is expected") if opens == "[" else _("an object is expected"))
        place = self._skip_space(place + 1)
        while self.text[place : place + 1] != closes:
            item, end = self._value(place)
            if opens == "{":
                if not isinstance(item, str) or self.text[self._skip_space(end) : self._skip_space(end) + 1] != ":":
                    self._refuse(place, _("a name is expected"))
                place = self._skip_space(self._skip_space(end) + 1)
                end = self._end_of(place, depth + 1)
            yield item, place
            place = self._skip_space(end)
            if self.text[place : place + 1] == ",":
                place = self._skip_space(place + 1)
                if self.text[place : place + 1] == closes:
                    self._refuse(place, _("a value is missing"))
            elif self.text[place : place + 1] != closes:
                self._refuse(place, _("a comma or an end is missing"))
        self._end = place + 1
        if last and self._skip_space(place + 1) != len(self.text):
            self._refuse(place + 1, _("something follows the end"))

    def _end_of(self, place: int, depth: int) -> int:
        """Return where a value ends. Outer lists and objects are walked, so that they never stand in memory whole."""
        opens = self.text[place : place + 1]
        if opens not in CLOSES or depth > WALKED:
            return self._value(place)[1]
        for _item in self._walk(place, opens, depth=depth):
            pass
        return self._end

    def _value(self, place: int) -> tuple[Any, int]:
        try:
            return self._scan(self.text, place)
        except json.JSONDecodeError as error:
            return self._refuse(error.pos, error.msg)
        except (RecursionError, ValueError) as error:
            raise UnreadableData(_("The JSON nests too deeply, or holds a number that is too long.")) from error

    def _skip_space(self, place: int) -> int:
        while place < len(self.text) and self.text[place] in SPACE:
            place += 1
        return place

    def _refuse(self, place: int, problem: str) -> NoReturn:
        line = self.text.count("\n", 0, place) + 1
        text = _("Line %(line)d cannot be read as JSON: %(problem)s.")
        raise UnreadableData(text % {"line": line, "problem": problem[:1].lower() + problem[1:]})


def _refuse_columns(names: list[str]) -> None:
    if len(names) > MAX_COLUMNS:
        raise UnreadableData(_("There are more than %(most)s columns.") % {"most": f"{MAX_COLUMNS:,}"})
    if len(set(names)) < len(names):
        twice, _times = Counter(names).most_common(1)[0]
        raise UnreadableData(_("The column “%(name)s” stands twice in the header.") % {"name": twice[:80]})


def _refuse_rows() -> NoReturn:
    raise UnreadableData(_("There are more than %(most)s rows. Check a part of them.") % {"most": f"{MAX_ROWS:,}"})
