"""A file of rows against a schema: what is wrong, per column, with the first rows where it is so."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from apps.registry.data_check import sources, values
from apps.registry.data_check.schema import Column, Schema
from apps.registry.data_check.sources import Source, UnreadableData

FIRST_ROWS = 5
MAX_FINDINGS = 200
MAX_COMPARED = 3_000_000  # values, present or missing: a small file can stand for rows × columns of them
MAX_EXAMPLE = 60  # characters of a value that is shown
MISSING, UNEXPECTED, TYPE, NULL, SHAPE, CELLS = "missing", "unexpected", "type", "null", "shape", "cells"


@dataclass
class Finding:
    """One thing that is wrong with one column (name empty: with whole rows).

    `problem` is missing, unexpected, type, null, shape or cells. `rows` are the first ones, counted from 1.
    """

    column: str
    problem: str
    expected: str = ""
    count: int = 0
    rows: list[int] = field(default_factory=list)
    example: str = ""


@dataclass
class Report:
    """What was found. `more` findings beyond the first ones are only counted."""

    rows: int = 0
    columns: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0

    @property
    def fits(self) -> bool:
        """Whether the model would take the data."""
        return not self.findings


class _Collector:
    """Gathers findings, one per column and problem, in the order in which they were met."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Finding] = {}
        self.beyond: set[tuple[str, str]] = set()
        self.compared = 0

    def compare(self, values: int) -> None:
        """Count values that are about to be compared. Raises UnreadableData when they are too many for a request."""
        self.compared += values
        if self.compared > MAX_COMPARED:
            text = _("The file has more than %(most)s values to compare, rows times columns. Check a part of it.")
            raise UnreadableData(text % {"most": f"{MAX_COMPARED:,}"})

    def add(self, column: str, problem: str, expected: str = "", row: int = 0, value: Any = "") -> None:
        key = (column, problem)
        finding = self.found.get(key)
        if finding is None:
            if len(self.found) >= MAX_FINDINGS:
                self.beyond.add(key) if len(self.beyond) < sources.MAX_COLUMNS else None
                return
            finding = self.found[key] = Finding(column[:200], problem, expected, example=_shown(value))
        finding.count += 1
        if row and len(finding.rows) < FIRST_ROWS and row not in finding.rows:
            finding.rows.append(row)

    def report(self, rows: int, columns: int) -> Report:
        return Report(rows, columns, list(self.found.values()), len(self.beyond))


def check(schema: Schema, upload: BinaryIO, *, is_json: bool) -> Report:
    """Read the upload once and compare it with the schema. Raises UnreadableData."""
    source = sources.read_json(upload) if is_json else sources.read_csv(upload)
    return _check_tensors(schema, source) if schema.is_tensor else _check_columns(schema, source)


def _check_columns(schema: Schema, source: Source) -> Report:
    found = _Collector()
    wanted = _wanted(schema, source)
    if source.columns is not None:
        _compare_names(wanted, source.columns, found)
    seen: set[str] = set(source.columns or ())
    count = 0
    for count, row in enumerate(source.rows, 1):
        found.compare(max(len(wanted), len(row) if isinstance(row, list | dict) else 1))
        if schema.by_place and isinstance(row, dict):
            row = list(row.values())
        if source.columns is None and isinstance(row, dict):
            seen |= row.keys() if len(seen) < sources.MAX_COLUMNS else set()
            _check_record(wanted, row, count, found)
        else:
            _check_row(wanted, row, source, count, found)
    return found.report(count, len(seen or wanted))


def _wanted(schema: Schema, source: Source) -> dict[str, Column]:
    """Return the columns by the name under which the source has them: by their place where they have no name."""
    if not schema.by_place:
        return {column.name: column for column in schema.columns}
    names = source.columns or []
    return {
        names[place] if place < len(names) else f"#{place + 1}": column for place, column in enumerate(schema.columns)
    }


def _compare_names(wanted: dict[str, Column], names: list[str], found: _Collector) -> None:
    there = set(names)
    for name, column in wanted.items():
        if name not in there and column.required:
            found.add(name, MISSING, column.text)
    for name in names:
        if name not in wanted:
            found.add(name, UNEXPECTED)


def _check_record(wanted: dict[str, Column], row: dict[str, Any], number: int, found: _Collector) -> None:
    for name, column in wanted.items():
        if name in row:
            _check_value(name, column, row[name], number, found)
        elif column.required:
            found.add(name, MISSING, column.text, number)
    for name in sorted(row.keys() - wanted.keys()):
        found.add(name, UNEXPECTED, "", number)


def _check_row(wanted: dict[str, Column], row: Any, source: Source, number: int, found: _Collector) -> None:
    names = source.columns if source.columns is not None else list(wanted)
    if not isinstance(row, list) or len(row) != len(names):
        found.add("", CELLS, str(len(names)), number, len(row) if isinstance(row, list) else row)
        return
    for name, value in zip(names, row, strict=True):
        column = wanted.get(name)
        if column is None:
            continue
        if column.widest and source.is_text:
            found.compare(value.count("{") * column.widest)
        if not source.is_text:
            _check_value(name, column, value, number, found)
        elif values.cell_is_null(value, column.kind):
            if column.required:
                found.add(name, NULL, column.text, number)
        elif not values.cell_fits(value, column.spec):
            found.add(name, TYPE, column.text, number, value)


def _check_value(name: str, column: Column, value: Any, number: int, found: _Collector) -> None:
    if column.widest:
        found.compare(_objects(value) * column.widest)
    if value is None:
        if column.required:
            found.add(name, NULL, column.text, number)
    elif not values.value_fits(value, column.spec):
        found.add(name, TYPE, column.text, number, value)


def _objects(value: Any) -> int:
    """Count the objects in a value, at any depth, without recursion."""
    count, level = 0, [value]
    while level:
        holders = [item for item in level if isinstance(item, list | dict)]
        count += sum(isinstance(item, dict) for item in holders)
        level = [inner for item in holders for inner in (item.values() if isinstance(item, dict) else item)]
    return count


def _check_tensors(schema: Schema, source: Source) -> Report:
    found = _Collector()
    walkers = _walkers(schema, source)
    by_name = {column.name: column for column in schema.columns}
    for name, column in by_name.items():
        if name not in walkers and column.required:
            found.add(name, MISSING, column.text)
    longest = 0
    for name, rows in walkers.items():
        if name in by_name:
            longest = max(longest, _check_tensor(by_name[name], rows, found))
        else:
            found.add(name, UNEXPECTED)
    return found.report(longest, len(walkers))


def _walkers(schema: Schema, source: Source) -> dict[str, Iterator[Any]]:
    """Return the tensors by name; CSV, and a bare list, can only be the one that there is."""
    if source.tensors is not None and (set(source.tensors) != {""} or schema.by_place):
        return {name: walk() for name, walk in source.tensors.items()}
    only = schema.columns[0]
    rows = (_numbers(row, only.dtype) for row in source.rows) if source.is_text else source.rows
    return {only.name: rows}


def _numbers(row: list[str], dtype: str) -> list[Any]:
    """Read the cells of a CSV row as numbers where they are; what is not stays text, and is found at fault."""
    return [_number(cell.strip(), dtype) for cell in row]


def _number(cell: str, dtype: str) -> Any:
    if dtype.startswith(("str", "<U")):
        return cell
    if values.WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if values.DECIMAL.fullmatch(cell) or cell.lower() == "nan" else cell


def _check_tensor(column: Column, rows: Iterator[Any], found: _Collector) -> int:
    shape, count = column.shape, 0
    for count, row in enumerate(rows, 1):
        problem = _fault(row, shape[1:], column.dtype)
        if problem:
            found.add(column.name, problem[0], column.text, count, problem[1])
    if shape and shape[0] >= 0 and count != shape[0]:
        found.add(column.name, SHAPE, column.text, 0, f"[{count}, …]")
    return count


def _fault(value: Any, axes: list[int], dtype: str) -> tuple[str, Any] | None:
    """Return the first thing that is wrong below one step on the first axis: (problem, what stands there)."""
    if not axes:
        if isinstance(value, list | dict):
            return SHAPE, value
        return None if values.tensor_value_fits(value, dtype) else (TYPE if value is not None else NULL, value)
    if not isinstance(value, list) or (axes[0] >= 0 and len(value) != axes[0]):
        return SHAPE, f"[{len(value)}]" if isinstance(value, list) else value
    faults = (_fault(item, axes[1:], dtype) for item in value)
    return next((fault for fault in faults if fault), None)


def _shown(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, RecursionError):  # a number of thousands of digits, or lists in lists without end
        return "…"
    return text if len(text) <= MAX_EXAMPLE else text[:MAX_EXAMPLE] + "…"


__all__ = ["Finding", "Report", "UnreadableData", "check"]
