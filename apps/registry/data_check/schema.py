"""What a model's signature asks of its inputs, with all that MLmodel says of their types."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from apps.registry.details.mlmodel import type_text

MAX_AXES = 32
MAX_DEPTH = 20  # of types inside types


@dataclass(frozen=True)
class Column:
    """A column, or a tensor. `kind` is MLflow's word: long, double, string, tensor, array, …"""

    name: str  # empty: told apart by its place
    kind: str
    required: bool = True
    spec: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The type as pages name it."""
        return type_text(self.spec)

    @cached_property
    def widest(self) -> int:
        """How many properties the widest object inside the type has; 0: there is no object in it."""
        return _widest(self.spec)

    @property
    def shape(self) -> list[int]:
        """A tensor's axes, −1 where any length fits."""
        return list((self.spec.get("tensor-spec") or {}).get("shape") or [])

    @property
    def dtype(self) -> str:
        """A tensor's type of values, such as "float64"."""
        return str((self.spec.get("tensor-spec") or {}).get("dtype", ""))


@dataclass(frozen=True)
class Schema:
    """The inputs of a signature: columns by name, columns by place (no names), or tensors."""

    columns: tuple[Column, ...]

    @property
    def is_tensor(self) -> bool:
        """Whether the inputs are tensors; MLflow mixes them with no columns."""
        return any(column.kind == "tensor" for column in self.columns)

    @property
    def by_place(self) -> bool:
        """Whether the columns have no names."""
        return not any(column.name for column in self.columns)


def schema_of(mlmodel: dict[str, Any]) -> Schema | None:
    """Return what a parsed MLmodel file asks of inputs, None without a signature or one that says nothing of them."""
    raw = mlmodel.get("signature")
    raw = raw.get("inputs") if isinstance(raw, dict) else None
    try:
        rows = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        return None
    if not isinstance(rows, list) or not rows or not all(_is_sound(row) for row in rows):
        return None
    return Schema(tuple(_column(row) for row in rows))


def _column(row: dict[str, Any]) -> Column:
    return Column(str(row.get("name") or ""), str(row.get("type", "any")), bool(row.get("required", True)), row)


def _widest(spec: dict[str, Any]) -> int:
    inner = [spec[key] for key in ("items", "values") if spec.get(key) is not None]
    properties = spec.get("properties") or {}
    return max([len(properties), *(_widest(part) for part in [*inner, *properties.values()])])


def _is_sound(row: Any, depth: int = 0) -> bool:
    """Whether a type is one that can be checked: a mapping all the way down, of bounded depth, axes as numbers."""
    if not isinstance(row, dict) or depth > MAX_DEPTH:
        return False
    if row.get("type") == "tensor":
        spec = row.get("tensor-spec")
        shape = spec.get("shape") if isinstance(spec, dict) else None
        return isinstance(shape, list) and len(shape) <= MAX_AXES and all(type(axis) is int for axis in shape)
    inner = [row[key] for key in ("items", "values") if row.get(key) is not None]
    properties = row.get("properties") or {}
    if not isinstance(properties, dict):
        return False
    return all(_is_sound(part, depth + 1) for part in [*inner, *properties.values()])
