"""Reading the mirror. Every list of models starts from `visible_models`."""

import functools
import json
import operator
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.errors import NotVisible
from apps.registry.connections import named
from apps.registry.freshness import STALE_RUN as STALE_RUN
from apps.registry.freshness import SyncStatus as SyncStatus
from apps.registry.freshness import sync_status as sync_status
from apps.registry.models import Kind, ModelAlias, ModelVersion, RegisteredModel, Stage

DETAILS = ("run", "params", "metrics", "datasets", "mlmodel", "signature", "requirements")  # big: lists leave them out


def visible_models(user: Any) -> QuerySet[RegisteredModel]:
    """The models (not prompts) that `user` may read, also those deleted in MLflow (`deleted_at` set)."""
    return grants.visible_to(user, RegisteredModel.objects.filter(kind=Kind.MODEL))


def visible_model_ids(user: Any) -> QuerySet:
    """The ids of everything in the registry that `user` may read, prompts included, for `__in`."""
    return grants.visible_to(user, RegisteredModel.objects.all()).values("pk")


def visible_versions(user: Any) -> QuerySet[ModelVersion]:
    """The versions of visible models, with their model."""
    return ModelVersion.objects.filter(model__in=visible_models(user)).select_related("model")


def listed(models: QuerySet[RegisteredModel]) -> QuerySet[RegisteredModel]:
    """Add what a list shows, in two more queries whatever its length.

    `production_versions` (a list, newest first), and `aliases` with their version.
    """
    in_production = ModelVersion.objects.filter(stage=Stage.PRODUCTION, deleted_at=None).defer(*DETAILS)
    return models.prefetch_related(
        Prefetch("versions", in_production.order_by("-number"), to_attr="production_versions"),
        Prefetch("aliases", ModelAlias.objects.order_by("alias").annotate(number=F("version__number"))),
    )


def matching(
    models: QuerySet[RegisteredModel], *, q: str = "", stage: str = "", alias: str = "", tag: str = ""
) -> QuerySet[RegisteredModel]:
    """Narrow by text in name, description or tags, by a version's stage, by alias, by tag ("key" or "key=value")."""
    if q:
        models = models.alias(tag_text=Cast("tags", TextField())).filter(
            Q(name__icontains=q) | Q(description__icontains=q) | _in_json(q, "tag_text")
        )
    if stage:
        models = models.filter(Exists(ModelVersion.objects.filter(model=OuterRef("pk"), stage=stage, deleted_at=None)))
    if alias:
        models = models.filter(Exists(ModelAlias.objects.filter(model=OuterRef("pk"), alias=alias)))
    if tag:
        key, equals, value = tag.partition("=")
        models = models.alias(tag_value=Cast(KeyTextTransform(key, "tags"), TextField()))
        models = models.filter(tag_value=value) if equals else models.filter(tags__has_key=key)
    return models


def _in_json(text: str, column: str) -> Q:
    """Match `text` inside JSON: SQLite keeps it with escapes for everything but ASCII, PostgreSQL without."""
    if not text.strip(' "{}:,\\'):
        return Q()  # JSON's own signs stand everywhere
    spellings = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return functools.reduce(operator.or_, (Q(**{f"{column}__icontains": spelling}) for spelling in spellings))


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
    """The newest version in Production, or None. Free on a model that came from `listed`."""
    if hasattr(model, "production_versions"):
        return next(iter(model.production_versions), None)
    return model.versions.filter(stage=Stage.PRODUCTION, deleted_at=None).order_by("-number").first()
