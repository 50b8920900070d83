"""Data sets of a card as components of a bill of materials, and back: each a flat row in between. Pure."""

from copy import deepcopy
from typing import Any

from apps.modelcards.formats.base import Gathered, taken_from
from apps.modelcards.formats.cyclonedx_parts import ROLES
from apps.modelcards.formats.mapping import as_list
from apps.modelcards.formats.parts import role_of

DATA_TYPE = "data"
PREFIX = "assent:"
ROLE = f"{PREFIX}role"
NAMING = ("type", "bom-ref")


def component_of(place: int, row: dict[str, Any]) -> dict[str, Any]:
    """Return a data set, {"role", "name", "description", "source", "sensitive"}, as a component."""
    contents = {"contents": {"url": row["source"]}} if row["source"] else {}
    sensitive = {"sensitiveData": row["sensitive"].split(", ")} if row["sensitive"] else {}
    described = {"description": row["description"]} if row["description"] else {}
    inner = {"type": "dataset", "name": row["name"], **described, **contents, **sensitive}
    return {"type": DATA_TYPE, "bom-ref": ref(place), "name": row["name"], "data": [inner],
            "properties": [{"name": ROLE, "value": row["role"]}]}  # fmt: skip


def ref(place: int) -> str:
    """Return by what the model names its data set at a place, from 0."""
    return f"data-{place + 1}"


def resolved(component: dict[str, Any], others: list[dict[str, Any]], found: Gathered) -> list[dict[str, Any]]:
    """Take the data sets out of a model as flat rows, and out of `others` those that it names."""
    named = taken_from(component, "modelCard", "modelParameters", "datasets")
    by_ref = {row.get("bom-ref"): row for row in others if row.get("type") == DATA_TYPE
              if isinstance(row.get("bom-ref"), str)}  # fmt: skip
    rows: list[dict[str, Any]] = []
    taken: set[int] = set()
    for item in as_list(named):
        told = item.get("ref") if isinstance(item, dict) else None
        row = by_ref.pop(told, None) if isinstance(told, str) else item
        if not isinstance(row, dict):
            found.keep_rest([item], "modelCard.modelParameters.datasets")
            continue
        taken.add(id(row))
        rows += _flattened(row, found)
    others[:] = [other for other in others if id(other) not in taken]
    return rows


def _flattened(row: dict[str, Any], found: Gathered) -> list[dict[str, Any]]:
    """Return a data set as flat rows; what has no place in one is kept by its path."""
    row = deepcopy(row)
    name, role = row.pop("name", None) or "", _role(row)
    path, parts = f"data.{name}", as_list(row.pop("data", None))
    rows = []
    for item in [part for part in parts if isinstance(part, dict)] or [row]:
        sensitive = as_list(item.pop("sensitiveData", None))
        rows.append({
            "role": role or role_of(str(name)), "name": item.pop("name", None) or name,
            "description": item.pop("description", None) or row.pop("description", None) or "",
            "source": taken_from(item, "contents", "url") or "", "sensitive": ", ".join(map(str, sensitive)),
        })  # fmt: skip
        if item is not row:
            found.keep_rest({key: rest for key, rest in item.items() if key not in NAMING}, path)
    found.keep_rest({key: rest for key, rest in row.items() if key not in NAMING}, path)
    found.keep_rest([part for part in parts if not isinstance(part, dict)], path)
    return rows


def _role(row: dict[str, Any]) -> str:
    """Take the role of a data set out of its properties; empty when none says it."""
    said = as_list(row.pop("properties", None))
    ours = [item for item in said if isinstance(item, dict) and item.get("name") == ROLE and item.get("value") in ROLES]
    row["properties"] = [item for item in said if item not in ours]
    return str(ours[0]["value"]) if ours else ""
