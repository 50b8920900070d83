"""The mirror over the API: the same queries and services as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.registry import compare_api, converters, queries
from apps.registry.connecting import api as connecting_api
from apps.registry.health import api as health_api
from apps.registry.models import ModelVersion, RegisteredModel
from apps.registry.serializers import (
    ModelOut,
    ModelQuery,
    NoQuery,
    VersionDetailOut,
    VersionOut,
    VersionQuery,
)

__all__ = ["converters", "urlpatterns"]  # the converters give `<model:name>` its meaning


def _asked(query: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """Return the parsed parameters. Raises a validation error that names each one at fault."""
    parsed = query(data=request.query_params.dict())
    parsed.is_valid(raise_exception=True)
    return parsed.validated_data


class ModelList(generics.ListAPIView):
    """The models that you may read."""

    serializer_class = ModelOut

    @extend_schema(summary="List models", parameters=[ModelQuery])
    def get(self, *args: Any, **kwargs: Any) -> Response:
        return super().get(*args, **kwargs)

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        asked = _asked(ModelQuery, self.request)
        models = queries.visible_models(self.request.user)
        models = models if asked.pop("deleted") else models.filter(deleted_at=None)
        ordering = asked.pop("ordering")
        return queries.listed(queries.matching(models, **asked)).order_by(ordering, "pk")


class ModelDetail(generics.RetrieveAPIView):
    """One model."""

    serializer_class = ModelOut

    @extend_schema(summary="Read a model")
    def get(self, *args: Any, **kwargs: Any) -> Response:
        return super().get(*args, **kwargs)

    def get_object(self) -> RegisteredModel:
        _asked(NoQuery, self.request)
        found = queries.get_model(self.request.user, self.kwargs["name"])
        return queries.listed(RegisteredModel.objects.filter(pk=found.pk)).get()


class VersionList(generics.ListAPIView):
    """The versions of a model."""

    serializer_class = VersionOut

    @extend_schema(summary="List the versions of a model", parameters=[VersionQuery])
    def get(self, *args: Any, **kwargs: Any) -> Response:
        return super().get(*args, **kwargs)

    def get_queryset(self) -> QuerySet[ModelVersion]:
        asked = _asked(VersionQuery, self.request)
        model = queries.get_model(self.request.user, self.kwargs["name"])
        rows = ModelVersion.objects.filter(model=model).select_related("model").prefetch_related("aliases")
        rows = rows.defer(*(name for name in queries.DETAILS if name != "metrics"))
        rows = rows if asked["deleted"] else rows.filter(deleted_at=None)
        rows = rows.filter(stage=asked["stage"]) if "stage" in asked else rows
        rows = rows.filter(aliases__alias=asked["alias"]) if "alias" in asked else rows
        return rows.order_by(asked["ordering"])


class VersionDetail(generics.RetrieveAPIView):
    """One version with its run, parameters, metrics, signature, requirements and data sets."""

    serializer_class = VersionDetailOut

    @extend_schema(summary="Read a version")
    def get(self, *args: Any, **kwargs: Any) -> Response:
        return super().get(*args, **kwargs)

    def get_object(self) -> ModelVersion:
        _asked(NoQuery, self.request)
        return queries.get_version(self.request.user, self.kwargs["name"], self.kwargs["number"])


urlpatterns = [
    path("models/", ModelList.as_view(), name="model-list"),
    path("models/<model:name>/", ModelDetail.as_view(), name="model-detail"),
    path("models/<model:name>/versions/", VersionList.as_view(), name="version-list"),
    path("models/<model:name>/versions/<int:number>/", VersionDetail.as_view(), name="version-detail"),
    *compare_api.urlpatterns,
    *connecting_api.urlpatterns,
    *health_api.urlpatterns,
]
