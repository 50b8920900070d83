"""Signatures side by side, by name: what callers of the base would trip over."""

from collections.abc import Sequence
from typing import Any

from apps.registry.comparing.rows import Row, change, rows

PARTS = ("inputs", "outputs", "params")
BREAKING, COMPATIBLE = "breaking", "compatible"
Columns = dict[str, dict[str, Any]]


def columns(signature: dict[str, Any] | None, part: str) -> Columns:
    """Return a part's columns by name; unnamed ones (tensors, single outputs) by their place: "#1"."""
    listed = (signature or {}).get(part) or []
    return {str(column.get("name") or f"#{place}"): column for place, column in enumerate(listed, 1)}


def signature_rows(signatures: Sequence[dict[str, Any] | None], part: str) -> list[Row]:
    """Pair the columns of a part. A version without any signature breaks nothing that could be named."""
    sides = [columns(signature, part) for signature in signatures]
    texts = [{name: _text(column) for name, column in side.items()} for side in sides]
    return [Row(row.name, row.values, tuple(_effects(row.name, part, sides, signatures))) for row in rows(texts)]


def reordered(base: dict[str, Any] | None, candidate: dict[str, Any] | None, part: str) -> bool:
    """Return whether columns that both have stand in another order."""
    ours, theirs = columns(base, part), columns(candidate, part)
    return [name for name in ours if name in theirs] != [name for name in theirs if name in ours]


def breaks(base: dict[str, Any], candidate: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what breaks callers of the base: part ("inputs", …), name, change ("added", "removed", "changed")."""
    found = []
    for part in PARTS:
        for row in signature_rows([base, candidate], part):
            if row.effects[0] == BREAKING:
                found.append((part, row.name, row.change))
    return found


def _effects(name: str, part: str, sides: list[Columns], signatures: Sequence[dict[str, Any] | None]) -> list[str]:
    known = [bool(signature) for signature in signatures]
    base = sides[0].get(name)
    return [
        _effect(part, base, side.get(name)) if known[0] and there else ""
        for side, there in zip(sides[1:], known[1:], strict=True)
    ]


def _effect(part: str, base: dict[str, Any] | None, candidate: dict[str, Any] | None) -> str:
    """Say what a change means to those who call as the base wants; nothing when it changed nothing."""
    if base is None and candidate is None:
        return ""
    if base is None or candidate is None:
        harmless = candidate is not None and (part != "inputs" or not _required(candidate))
        return COMPATIBLE if harmless else BREAKING
    if change(_text(base), _text(candidate)) == "same":
        return ""
    newly_required = part == "inputs" and _required(candidate) and not _required(base)
    return BREAKING if newly_required or base.get("type") != candidate.get("type") else COMPATIBLE


def _required(column: dict[str, Any]) -> bool:
    return bool(column.get("required", True))


def _text(column: dict[str, Any]) -> str:
    kind = str(column.get("type", ""))
    if "default" in column:
        return f"{kind} = {column['default']}"
    return kind if _required(column) else f"{kind}, optional"
