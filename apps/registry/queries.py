"""Reading the mirror. Every list of models starts from `visible_models`."""

from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Left
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.errors import NotVisible
from apps.registry.connections import named
from apps.registry.freshness import STALE_RUN as STALE_RUN
from apps.registry.freshness import SyncStatus as SyncStatus
from apps.registry.freshness import status_question as status_question
from apps.registry.freshness import sync_status as sync_status
from apps.registry.models import SOURCE_START, Kind, ModelVersion, RegisteredModel, Stage

DETAILS = (
    "run", "params", "metrics", "datasets", "mlmodel", "signature", "requirements", "files", "environment", "pictures",
    "input_example",
)  # fmt: skip # big: lists leave them out


def visible_models(user: Any) -> QuerySet[RegisteredModel]:
    """The models (not prompts) that `user` may read, also those deleted in MLflow (`deleted_at` set)."""
    return grants.visible_to(user, RegisteredModel.objects.filter(kind=Kind.MODEL))


def visible_model_ids(user: Any) -> QuerySet:
    """The ids of everything in the registry that `user` may read, prompts included, for `__in`."""
    return grants.visible_to(user, RegisteredModel.objects.all()).values("pk")


def visible_versions(user: Any) -> QuerySet[ModelVersion]:
    """The versions of visible models, with their model."""
    return ModelVersion.objects.filter(model__in=visible_models(user)).select_related("model")


def with_source(*sources: str) -> QuerySet[ModelVersion]:
    """The versions whose files MLflow takes from one of these, as it writes the address; found by an index."""
    starts = {source[:SOURCE_START] for source in sources}
    return _by_source().filter(source_start__in=starts, source__in=sources)


def within_source(folder: str) -> QuerySet[ModelVersion]:
    """The versions whose files lie in a folder; none for an empty one. By an index where its address is long enough."""
    start = {"source_start": folder[:SOURCE_START]} if len(folder) >= SOURCE_START else {}
    found = _by_source().filter(Q(source=folder) | Q(source__startswith=f"{folder.rstrip('/')}/"), **start)
    return found if folder else found.none()


def _by_source() -> Any:
    return ModelVersion.objects.alias(source_start=Left("source", SOURCE_START))


def get_model(user: Any, reference: str) -> RegisteredModel:
    """The model of that name ("churn", "eu:churn"): the live one, else the last deleted one. Raises NotVisible."""
    newest_life = (F("deleted_at").desc(nulls_first=True), "-pk")
    found = visible_models(user).filter(named(reference)).order_by(*newest_life).first()
    if found is None:
        raise NotVisible(_("There is no model of this name, or you may not see it."))
    return found


def get_version(user: Any, reference: str, number: int) -> ModelVersion:
    """One version with its model. Raises NotVisible."""
    versions = get_model(user, reference).versions.select_related("model__connection")
    found = versions.filter(number=number).first() if number < 2**31 else None
    if found is None:
        raise NotVisible(_("There is no such version of a model, or you may not see it."))
    return found


def production_version(model: RegisteredModel) -> ModelVersion | None:
    """The newest version in Production, or None."""
    return model.versions.filter(stage=Stage.PRODUCTION, deleted_at=None).order_by("-number").first()
