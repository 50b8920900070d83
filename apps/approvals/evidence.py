"""What a reviewer signs: everything that makes the version what it is, as canonical JSON, and its digest.

Descriptions, cosmetic tags, aliases and the fate of other versions are left out: a sign-off outlives their change.
Numbers are written so that both databases give back the same text: a metric is text (MLflow can store NaN and
infinity, which JSON does not have), a float elsewhere is a whole number where it is one, and text where it is not.
"""

import hashlib
from typing import Any, NamedTuple

from apps.audit.chain import canonical_json
from apps.registry.models import ModelVersion

SOURCE_TAGS = "mlflow.source."  # commit, repository, file name and kind of the code that trained it


class Change(NamedTuple):
    """One field of the evidence that is not what it was; `before` or `after` is None where the field was absent."""

    field: str
    before: Any
    after: Any


def collect(version: ModelVersion) -> dict[str, Any]:
    """Return the evidence on a version, from the mirror."""
    run = version.run or {}
    return {
        "model": version.model.reference,
        "version": version.number,
        "source": version.source,
        "run_id": version.run_id,
        "run": {
            "status": run.get("status"),
            "user": run.get("user"),
            "source": {
                name: plain(value) for name, value in (run.get("tags") or {}).items() if name.startswith(SOURCE_TAGS)
            },
        },
        "params": plain(version.params),
        "metrics": {name: metric_text(value) for name, value in version.metrics.items()},
        "datasets": plain(version.datasets),
        "signature": plain(version.signature),
        "requirements": plain(version.requirements),
        "mlmodel": plain(version.mlmodel),
    }


def digest(evidence: dict[str, Any]) -> str:
    """Return the SHA-256 of the evidence, 64 hex digits: equal exactly when the evidence is equal."""
    return hashlib.sha256(canonical_json(evidence).encode()).hexdigest()


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return what differs, by dotted field name, in alphabetical order: ("metrics.accuracy", "0.91", "0.88")."""
    before, after = _flat(old), _flat(new)
    return [
        Change(field, before.get(field), after.get(field))
        for field in sorted(before.keys() | after.keys())
        if field not in before or field not in after or before[field] != after[field]
    ]


def metric_text(value: Any) -> str:
    """Return a metric as text: "0.91", "NaN", "Infinity", "-Infinity"."""
    try:
        number = float(value) + 0.0  # no negative zero: PostgreSQL does not keep its sign
    except (TypeError, ValueError):
        return str(value)
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(number), repr(number))


def plain(value: Any) -> Any:
    """Return `value` as JSON that reads the same from either database."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else metric_text(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested objects as one level of dotted names; an empty object is a value of its own."""
    flat: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        flat |= _flat(item, f"{name}.") if isinstance(item, dict) and item else {name: item}
    return flat
