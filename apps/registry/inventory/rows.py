"""One page of models, from the summary columns alone: one query, and plain dictionaries instead of objects."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet
from orjson import Fragment

from apps.masking import masked
from apps.registry import keyset, queries
from apps.registry.inventory.filters import Filters, matching
from apps.registry.keyset import Order, Slice
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel
from apps.written import moment

COLUMNS = (
    "id", "connection_id", "name", "description", "version_count", "newest_number", "newest_stage",
    "production_number", "candidate_number", "candidate_stage", "owner", "risk", "framework", "open_requests",
    "open_drift", "sync_state",
)  # fmt: skip
DOCUMENTS = ("tags", "alias_numbers")  # in a row: the JSON text that the database holds
MOMENTS = ("production_since", "created_at", "updated_at", "deleted_at")
PLAIN = len(COLUMNS) + len(DOCUMENTS)
NAMES = (*COLUMNS, *DOCUMENTS, *MOMENTS)
# Written out around the query that finds the ids: what is shown of a row is the same for every search, and rows that
# another table finds come in no order, so that PostgreSQL would read each one whole to sort them.
_QUERY = "SELECT {columns} FROM registry_registeredmodel WHERE id IN ({ids}) ORDER BY {order}"


def page(user: Any, filters: Filters, order: Order, size: int, cursor: str = "") -> Slice:
    """Return a page of the models that `user` may see. Raises InvalidInput for a cursor of another list."""
    models = matching(queries.visible_models(user), filters)
    return keyset.page(models, order, size, cursor, read=dict.__getitem__, by_id=_rows)


def row(model: RegisteredModel) -> dict[str, Any]:
    """Return the row of one model."""
    return _rows(RegisteredModel.objects.filter(pk=model.pk).values("pk"), ["pk"])[0]


def _rows(ids: QuerySet, keys: list[str]) -> list[dict[str, Any]]:
    found, values = ids.query.sql_with_params()
    query = _QUERY.format(columns=", ".join(NAMES), ids=found, order=", ".join(map(_in_order, keys)))
    with connection.cursor() as asked:
        asked.execute(query, values)
        return [_row(values) for values in asked.fetchall()]


def _in_order(key: str) -> str:
    """Write a key of the order, "-name" or "pk", as SQL does."""
    column = "id" if key.endswith("pk") else key.removeprefix("-")
    return f"{column} DESC" if key.startswith("-") else column


def _row(values: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(NAMES, (*values[:PLAIN], *map(moment, values[PLAIN:])), strict=True))


def reference(row: dict[str, Any]) -> str:
    """Return how addresses name the model of a row; as RegisteredModel.reference does."""
    short = row["connection_id"] == DEFAULT_CONNECTION and ":" not in row["name"]
    return row["name"] if short else f"{row['connection_id']}:{row['name']}"


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return a model as the API writes it, see serializers.ModelOut: documents pass as the database holds them."""
    return {
        "name": row["name"],
        "connection": row["connection_id"],
        "reference": reference(row),
        "description": masked(row["description"]),
        "tags": Fragment(masked(row["tags"])),
        "aliases": Fragment(row["alias_numbers"]),
        "owner": row["owner"],
        "risk": row["risk"],
        "framework": row["framework"],
        "version_count": row["version_count"],
        "newest_version": row["newest_number"],
        "newest_stage": row["newest_stage"],
        "production_version": row["production_number"],
        "production_since": row["production_since"],
        "candidate_version": row["candidate_number"],
        "open_requests": row["open_requests"],
        "open_drift": row["open_drift"],
        "sync_state": row["sync_state"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "deleted_at": row["deleted_at"],
    }
