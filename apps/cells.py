"""Cells of tables that people open with a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also full-width signs
# A spreadsheet that takes semicolons or tabs for separators begins a cell after each of them, inside quotes too.
INNER = re.compile(rf'([;\t\r\n][ "]*)(?=[{"".join(map(re.escape, FORMULA))}])')
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def safe(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: such a text gets an apostrophe in front of the sign."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    dangerous = value.lstrip(" ").startswith(FORMULA) and not NUMBER.fullmatch(value)
    value = INNER.sub(r"\1'", value)
    return f"'{value}" if dangerous else value


def line(values: Iterable[Any]) -> str:
    """Return one line of a CSV file, with its end, all cells safe."""
    target = io.StringIO()
    csv.writer(target).writerow([safe(value) for value in values])
    return target.getvalue()
