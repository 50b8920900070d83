"""Reading an MLmodel file: YAML from a stranger, with JSON texts inside. Only ValueError is ever raised."""

import json
from typing import Any

import yaml

from apps.registry.remote import clean
from apps.unfolding import NoMergeLoader, Unfolder

MAX_BYTES = 1024 * 1024


def parse(body: bytes) -> dict[str, Any]:
    """Return the file as JSON values. Raises ValueError when it is too big, not YAML, or not a mapping."""
    if len(body) > MAX_BYTES:
        raise ValueError("MLmodel is larger than 1 MB")
    try:
        content = yaml.load(body.decode(), Loader=NoMergeLoader)  # noqa: S506 - a SafeLoader
        plain = Unfolder().plain(content)
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


def example_path(parsed: dict[str, Any]) -> str:
    """Return the file that holds an example of an input, as MLmodel names it; empty without one."""
    info = parsed.get("saved_input_example_info")
    return str(info.get("artifact_path") or "") if isinstance(info, dict) else ""
