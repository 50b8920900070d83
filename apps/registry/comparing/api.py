"""Comparisons and metric directions over the API: the same queries and services as the pages."""

from typing import Any, cast

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.registry import directions
from apps.registry.comparing import compare, comparisons
from apps.registry.comparing.serializers import CompareQuery, ComparisonOut, DirectionIn, DirectionOut
from apps.registry.models import MetricDirection
from apps.registry.serializers import NoQuery


class Compare(APIView):
    """Two to five versions side by side, of one model or of several, on any connection."""

    @extend_schema(summary="Compare versions", parameters=[CompareQuery], responses=ComparisonOut)
    def get(self, request: Request) -> Response:
        asked = CompareQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = [asked.validated_data["base"], *asked.validated_data["candidate"]]
        versions = comparisons.versions_of(request.user, wanted)
        return Response(ComparisonOut(compare(*versions, directions=directions.load())).data)


class MetricDirections(generics.ListAPIView):
    """Which way metrics are better, where an admin said so; POST says it."""

    serializer_class = DirectionOut

    @extend_schema(summary="List the directions that admins set")
    def get(self, *args: Any, **kwargs: Any) -> Response:
        return super().get(*args, **kwargs)

    def get_queryset(self) -> QuerySet[MetricDirection]:
        NoQuery(data=self.request.query_params.dict()).is_valid(raise_exception=True)
        return MetricDirection.objects.order_by("metric")

    @extend_schema(
        summary="Set or remove the direction of a metric",
        request=DirectionIn,
        responses={200: DirectionOut, 204: None},
    )
    def post(self, request: Request) -> Response:
        said = DirectionIn(data=request.data)
        said.is_valid(raise_exception=True)
        row = directions.set_direction(**said.validated_data, by=cast(User, request.user))
        return Response(DirectionOut(row).data) if row else Response(status=status.HTTP_204_NO_CONTENT)


urlpatterns = [
    path("compare/", Compare.as_view(), name="compare"),
    path("metric-directions/", MetricDirections.as_view(), name="metric-directions"),
]
