"""The mirror over the API: the same queries and services as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.registry import converters, queries
from apps.registry.comparing import api as compare_api
from apps.registry.connecting import api as connecting_api
from apps.registry.health import api as health_api
from apps.registry.inventory import api as inventory_api
from apps.registry.models import ModelVersion
from apps.registry.pages import version_api
from apps.registry.serializers import (
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
    *inventory_api.urlpatterns,
    path("models/<model:name>/versions/", VersionList.as_view(), name="version-list"),
    path("models/<model:name>/versions/<int:number>/", VersionDetail.as_view(), name="version-detail"),
    path("models/<model:name>/versions/<int:number>/signature/", version_api.Signature.as_view(), name="signature"),
    path("models/<model:name>/versions/<int:number>/check-data/", version_api.CheckData.as_view(), name="check-data"),
    *compare_api.urlpatterns,
    *connecting_api.urlpatterns,
    *health_api.urlpatterns,
]
