"""Reading the access log, by the same rules as the trail. Every list starts from `visible_accesses`."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from apps.audit.actions import AccessOutcome
from apps.audit.chain import format_time
from apps.audit.models import Access
from apps.audit.queries import READ_EVERYTHING

EQUAL = ("person", "model_id", "outcome")
NOT_FOUND = 404
BATCH = 1000
FIELDS = (
    "id", "at", "last_at", "count", "outcome", "status", "person", "token_prefix", "token_name", "address",
    "request_id", "method", "route", "object", "model_id",
)  # fmt: skip


def visible_accesses(user: Any) -> QuerySet[Access]:
    """The rows that `user` may read, newest first.

    All of them with audit:read; otherwise those of visible models, and the person's own. Of their own those denials are
    left out that were not found or name something: the row knows whether there is such a model, the person must not.
    Through a token that is limited to models, only those of its models.
    """
    rows = Access.objects.order_by("-id")
    if user is None or not getattr(user, "is_active", False):
        return rows.none()
    if user.has_perm(READ_EVERYTHING):
        return rows
    of_models = Q(model_id__in=import_string(settings.AUDIT_VISIBLE_MODEL_IDS)(user))
    if user.is_limited:
        return rows.filter(of_models)
    hidden = Q(outcome=AccessOutcome.DENIED) & (Q(status=NOT_FOUND) | ~Q(object=""))
    return rows.filter(of_models | (Q(person=user.get_username()) & ~hidden))


def filtered(rows: QuerySet[Access], filters: Mapping[str, Any]) -> QuerySet[Access]:
    """Narrow by exact `person`, `model_id`, `outcome`, and by day: `since` and `until`, whole days in UTC, included."""
    rows = rows.filter(**{name: filters[name] for name in EQUAL if filters.get(name) not in (None, "")})
    if filters.get("since"):
        rows = rows.filter(last_at__gte=datetime.combine(filters["since"], time.min, tzinfo=UTC))
    if filters.get("until"):
        rows = rows.filter(at__lte=datetime.combine(filters["until"], time.max, tzinfo=UTC))
    return rows


def exported(rows: QuerySet[Access]) -> Iterator[dict[str, Any]]:
    """Yield rows for an export, newest first, a batch at a time."""
    for row in rows.values(*FIELDS).iterator(chunk_size=BATCH):
        yield {**row, "at": format_time(row["at"]), "last_at": format_time(row["last_at"])}
