"""Does one value fit a type of MLflow's? Text from a CSV cell is read as MLflow's scoring server reads it."""

import base64
import binascii
import json
import math
import re
from datetime import datetime
from typing import Any

NULLS = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
     "NULL", "NaN", "None", "n/a", "nan", "null"}
)  # fmt: skip
BITS = {"long": 64, "integer": 32}
WHOLE = re.compile(r"[+-]?\d{1,20}")
# One way to read each digit: a cell of 100,000 digits and a letter would else be tried in every way to part it.
DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?", re.IGNORECASE)
MAX_FLOAT32 = 3.4028235e38
DTYPE = re.compile(r"(u?int|float|complex)(\d*)")


class Huge:
    """Stands for a number in JSON with more digits than any type holds."""


HUGE = Huge()


def cell_is_null(text: str, kind: str) -> bool:
    """Whether a CSV cell is missing; what spells "not a number" is a value where the column takes one."""
    return text in NULLS and not (kind in ("double", "float") and text.lower() in ("nan", "-nan"))


def cell_fits(text: str, spec: dict[str, Any]) -> bool:
    """Whether the text of a CSV cell can be read as the type."""
    kind = str(spec.get("type", "any"))
    text = text if kind == "string" else text.strip()
    if kind in BITS:
        return bool(WHOLE.fullmatch(text)) and _in_bits(int(text), BITS[kind])
    if kind in ("double", "float"):
        return text.lower() in ("nan", "-nan") or bool(DECIMAL.fullmatch(text) and _in_float(float(text), kind))
    if kind == "boolean":
        return text in ("true", "false", "True", "False", "TRUE", "FALSE")
    if kind in ("array", "object", "map"):
        try:
            return value_fits(json.loads(text, parse_int=whole), spec)
        except (ValueError, RecursionError):
            return False
    return value_fits(text, spec)


def value_fits(value: Any, spec: dict[str, Any]) -> bool:
    """Whether a JSON value is of the type. A type nobody knows here takes anything."""
    kind = str(spec.get("type", "any"))
    if kind in BITS:
        return type(value) is int and _in_bits(value, BITS[kind])
    if kind in ("double", "float"):
        return type(value) in (int, float) and _in_float(value, kind)
    if kind in SIMPLE:
        return SIMPLE[kind](value)
    if kind == "array":
        return isinstance(value, list) and all(_inner_fits(item, spec.get("items") or {}) for item in value)
    if kind == "map":
        return isinstance(value, dict) and all(_inner_fits(v, spec.get("values") or {}) for v in value.values())
    if kind == "object":
        return isinstance(value, dict) and _properties_fit(value, spec.get("properties") or {})
    return True


def tensor_value_fits(value: Any, dtype: str) -> bool:
    """Whether a JSON value can stand in a tensor of NumPy's `dtype`."""
    found = DTYPE.match(dtype)
    if found is None:
        return (
            isinstance(value, bool)
            if dtype == "bool"
            else isinstance(value, str) or not dtype.startswith(("str", "<U"))
        )
    kind, bits = found[1], int(found[2] or 64)
    if kind in ("float", "complex"):
        return type(value) in (int, float)
    low, high = (0, 2**bits) if kind == "uint" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return type(value) is int and low <= value < high


def whole(text: str) -> Any:
    """Read a whole number of JSON without turning thousands of digits into one."""
    return int(text) if len(text) <= 40 else HUGE


def _inner_fits(value: Any, spec: dict[str, Any]) -> bool:
    return value_fits(value, spec) if value is not None else spec.get("required") is False


def _properties_fit(value: dict[str, Any], properties: dict[str, Any]) -> bool:
    if value.keys() - properties.keys():
        return False
    return all(_inner_fits(value.get(name), spec) for name, spec in properties.items())


def _in_bits(number: int, bits: int) -> bool:
    return -(2 ** (bits - 1)) <= number < 2 ** (bits - 1)


def _in_float(number: float, kind: str) -> bool:
    if isinstance(number, float) and not math.isfinite(number):
        return True
    return abs(number) <= (MAX_FLOAT32 if kind == "float" else 1.8e308)


def _is_datetime(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _is_base64(value: Any) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except (binascii.Error, ValueError):
        return False


SIMPLE = {
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "datetime": _is_datetime,
    "binary": _is_base64,
}
