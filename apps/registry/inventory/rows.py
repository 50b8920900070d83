"""One page of models, from the summary columns alone: one query, and plain dictionaries instead of objects."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from apps.registry import keyset, queries
from apps.registry.inventory.filters import SEVERAL, Filters, matching
from apps.registry.keyset import Order, Slice
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel

COLUMNS = (
    "id", "connection_id", "name", "description", "tags", "alias_numbers", "version_count", "newest_number",
    "newest_stage", "production_number", "production_since", "candidate_number", "candidate_stage", "owner", "risk",
    "framework", "open_requests", "open_drift", "sync_state", "created_at", "updated_at", "deleted_at",
)  # fmt: skip


def rows(models: QuerySet[RegisteredModel]) -> QuerySet[RegisteredModel, dict[str, Any]]:
    """The rows of a list, as dictionaries."""
    return models.values(*COLUMNS)


def page(user: Any, filters: Filters, order: Order, size: int, cursor: str = "") -> Slice:
    """Return a page of the models that `user` may see. Raises InvalidInput for a cursor of another list."""
    models = matching(queries.visible_models(user), filters)
    # Models found by rows of another table come in no order: PostgreSQL would read each one whole to sort them.
    by_id = _by_id if any(filters.chosen(facet) for facet in SEVERAL) else None
    return keyset.page(rows(models), order, size, cursor, read=dict.__getitem__, by_id=by_id)


def _by_id(ids: QuerySet) -> QuerySet:
    return rows(RegisteredModel.objects.filter(pk__in=ids))


def reference(row: dict[str, Any]) -> str:
    """Return how addresses name the model of a row; as RegisteredModel.reference does."""
    short = row["connection_id"] == DEFAULT_CONNECTION and ":" not in row["name"]
    return row["name"] if short else f"{row['connection_id']}:{row['name']}"


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return a model as the API shows it, see serializers.ModelOut."""
    return {
        "name": row["name"],
        "connection": row["connection_id"],
        "reference": reference(row),
        "description": row["description"],
        "tags": row["tags"],
        "aliases": row["alias_numbers"],
        "owner": row["owner"],
        "risk": row["risk"],
        "framework": row["framework"],
        "version_count": row["version_count"],
        "newest_version": row["newest_number"],
        "newest_stage": row["newest_stage"],
        "production_version": row["production_number"],
        "production_since": _moment(row["production_since"]),
        "candidate_version": row["candidate_number"],
        "open_requests": row["open_requests"],
        "open_drift": row["open_drift"],
        "sync_state": row["sync_state"],
        "created_at": _moment(row["created_at"]),
        "updated_at": _moment(row["updated_at"]),
        "deleted_at": _moment(row["deleted_at"]),
    }


def _moment(at: datetime | None) -> str | None:
    """Write a time in UTC as REST framework does."""
    return at.isoformat().replace("+00:00", "Z") if at else None
