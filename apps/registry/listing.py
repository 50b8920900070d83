"""What the pages of the registry list, beyond the shared queries. The number of queries never grows with the rows."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.errors import InvalidInput
from apps.registry import queries
from apps.registry.comparing import Directions
from apps.registry.models import ModelAlias, ModelVersion, RegisteredModel

ROWS = 50
ORDERS = {
    "name": ("name", "pk"),
    "-name": ("-name", "-pk"),
    "updated": ("updated_at", "pk"),
    "-updated": ("-updated_at", "-pk"),
}
MORE_DETAILS = ("params", "datasets", "mlmodel", "signature", "requirements")  # a table of versions shows none of them


def models_for(user: Any, filters: dict[str, Any]) -> QuerySet[RegisteredModel]:
    """The rows of the list of models."""
    models = queries.visible_models(user)
    if not filters.get("deleted"):
        models = models.filter(deleted_at=None)
    models = queries.matching(models, **{key: filters.get(key, "") for key in ("q", "stage", "alias", "tag")})
    models = queries.listed(models)
    return models.order_by(*ORDERS[filters.get("sort") or "name"])


def versions_of(model: RegisteredModel) -> QuerySet[ModelVersion]:
    """The versions of a model, newest first, with their aliases."""
    return model.versions.defer(*MORE_DETAILS).prefetch_related("aliases").order_by("-number")


def page_of(rows: QuerySet, number: int) -> Page:
    """Return that page. Raises InvalidInput for a page after the last."""
    paginator = Paginator(rows, ROWS)
    if number > paginator.num_pages:
        message = _("There are only %(pages)d pages. Choose one of them.") % {"pages": paginator.num_pages}
        raise InvalidInput(message, field="page")
    return paginator.page(number)


def primary_metrics(versions: Iterable[ModelVersion], directions: Directions, most: int = 3) -> list[str]:
    """Choose the metrics that tell most: in most versions, direction known, alphabetically first."""
    seen = Counter(name for version in versions for name in version.metrics)
    return sorted(seen, key=lambda name: (-seen[name], directions.of(name) is None, name))[:most]


def alias_to_load(aliases: list[ModelAlias], production: ModelVersion | None) -> ModelAlias | None:
    """Choose the alias that a reader would load by: one of the version in Production, else the first; None for none."""
    served = [alias for alias in aliases if production and alias.version_id == production.pk]
    return next(iter(served or aliases), None)
