"""Reading an MLmodel file: YAML from a stranger, with JSON texts inside. Only ValueError is ever raised."""

import json
import math
from datetime import date
from typing import Any

import yaml

from apps.registry.remote import clean

MAX_BYTES = 1024 * 1024
MAX_NODES = 20_000  # after aliases are followed: a small file can unfold to billions
MAX_TEXT = MAX_BYTES  # characters after aliases are followed: one long text can stand in thousands of places
MAX_DEPTH = 50  # of lists and mappings in each other; pages walk through what is kept, level by level
MAX_BITS = 64  # of a number; what is longer is kept as text, as long as Python writes it in decimal


class _Loader(yaml.SafeLoader):
    """Safe, and without merge keys, which unfold while they are read."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        return None


def parse(body: bytes) -> dict[str, Any]:
    """Return the file as JSON values. Raises ValueError when it is too big, not YAML, or not a mapping."""
    if len(body) > MAX_BYTES:
        raise ValueError("MLmodel is larger than 1 MB")
    try:
        content = yaml.load(body.decode(), Loader=_Loader)  # noqa: S506 - a SafeLoader
        plain = _Unfolder().plain(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"MLmodel cannot be read: {str(error)[:200]}") from error
    if not isinstance(plain, dict):
        raise ValueError("MLmodel is not a mapping")
    return clean(plain)


def signature(mlmodel: dict[str, Any]) -> dict[str, list[dict[str, Any]]] | None:
    """Return {"inputs", "outputs", "params"}, or None when the model has no signature.

    A column is {"name", "type", "required"}; a param is {"name", "type", "default"}. Raises ValueError when malformed.
    """
    raw = mlmodel.get("signature")
    if not raw:
        return None
    if not isinstance(raw, dict):
        raise ValueError("the signature is not a mapping")
    try:
        return {
            "inputs": [_column(row) for row in _rows(raw.get("inputs"))],
            "outputs": [_column(row) for row in _rows(raw.get("outputs"))],
            "params": [_param(row) for row in _rows(raw.get("params"))],
        }
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the signature cannot be read: {str(error)[:200]}") from error


def type_text(spec: dict[str, Any]) -> str:
    """Name a column's type as MLflow prints it: "double", "tensor float64 [-1, 4]", "array<string>", "{a: long}"."""
    kind = str(spec.get("type", "any"))
    if kind == "tensor":
        tensor = spec.get("tensor-spec") or {}
        return f"tensor {tensor.get('dtype', '')} {tensor.get('shape', '')}".strip()
    if kind == "array":
        return f"array<{type_text(spec.get('items') or {})}>"
    if kind == "map":
        return f"map<{type_text(spec.get('values') or {})}>"
    if kind == "object":
        fields = (spec.get("properties") or {}).items()
        inside = ", ".join(f"{n}{'' if s.get('required', True) else '?'}: {type_text(s)}" for n, s in fields)
        return f"{{{inside}}}"
    return kind


def _rows(raw: Any) -> list[dict[str, Any]]:
    if raw is None:
        return []
    rows = json.loads(raw, parse_constant=str) if isinstance(raw, str) else raw
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("a list of columns is expected")
    return clean(rows)


def _column(row: dict[str, Any]) -> dict[str, Any]:
    return {"name": str(row.get("name") or ""), "type": type_text(row), "required": bool(row.get("required", True))}


def _param(row: dict[str, Any]) -> dict[str, Any]:
    shape = f" {row['shape']}" if row.get("shape") else ""
    return {
        "name": str(row.get("name") or ""),
        "type": f"{row.get('type', 'any')}{shape}",
        "default": row.get("default"),
    }


class _Unfolder:
    """Turns YAML's values into JSON's, counting, so that aliases cannot unfold without end."""

    def __init__(self) -> None:
        self.nodes = self.text = 0

    def plain(self, value: Any, depth: int = 0) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ValueError(f"it has more than {MAX_NODES} values")
        if depth > MAX_DEPTH:
            raise ValueError(f"it nests deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            return {self._counted(str(key)): self.plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.plain(item, depth + 1) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        if isinstance(value, date):  # datetime is a date
            return value.isoformat()
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            return str(value)
        return value if value is None or isinstance(value, bool | int | float) else self._counted(str(value))

    def _counted(self, text: str) -> str:
        self.text += len(text)
        if self.text > MAX_TEXT:
            raise ValueError(f"its texts are longer than {MAX_TEXT} characters")
        return text


def example_path(parsed: dict[str, Any]) -> str:
    """Return the file that holds an example of an input, as MLmodel names it; empty without one."""
    info = parsed.get("saved_input_example_info")
    return str(info.get("artifact_path") or "") if isinstance(info, dict) else ""
