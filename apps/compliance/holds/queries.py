"""Reading holds. Every list starts from the models that the person may read."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from apps.compliance.models import LegalHold
from apps.errors import NotVisible
from apps.registry import keyset
from apps.registry.models import RegisteredModel
from apps.registry.queries import visible_models

PARTS = ("model", "version__model", "set_by", "lifted_by")
NEWEST_FIRST = keyset.Order("set_at", descending=True)


def visible_holds(user: Any) -> QuerySet[LegalHold]:
    """Return the holds on models that `user` may read, with what pages show of them; without an order."""
    rows = LegalHold.objects.filter(model__in=visible_models(user))
    return rows.select_related(*PARTS).prefetch_related("breaches__version").only(*_SHOWN)


_SHOWN = (
    "reason", "set_at", "lifted_at", "lift_reason", "set_by__username", "lifted_by__username", "model__name",
    "model__connection", "version__number", "version__model__name", "version__model__connection",
)  # fmt: skip


def standing(holds: QuerySet[LegalHold], *, lifted: bool = False) -> QuerySet[LegalHold]:
    """Narrow holds to those that stand, or to those that were lifted."""
    return holds.filter(lifted_at__isnull=not lifted)


def standing_on(model: RegisteredModel) -> list[LegalHold]:
    """Return the holds that stand on a model and on its versions; the caller may see it."""
    rows = LegalHold.objects.filter(model=model, lifted_at=None).select_related(*PARTS).only(*_SHOWN)
    return list(rows.prefetch_related("breaches__version").order_by("id"))


def hold_stands_on(field: str) -> Exists:
    """Return the condition that a hold stands on the model, or a version of it, whose key a row has in `field`."""
    return Exists(LegalHold.objects.filter(model=OuterRef(field), lifted_at=None))


def get_hold(user: Any, number: int) -> LegalHold:
    """Return one hold. Raises NotVisible."""
    found = visible_holds(user).filter(pk=number).first() if 0 < number < 2**63 else None
    if found is None:
        raise NotVisible(_("There is no hold %(number)s, or you may not see it.") % {"number": number})
    return found
