"""Requirement sets over the API."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.modelcards import requirements
from apps.modelcards.api.serializers import RequirementSetDetailOut, RequirementSetIn, RequirementSetOut
from apps.modelcards.models import RequirementSet
from apps.strict import NoFilter, valid


@extend_schema_view(
    get=extend_schema(operation_id="cards_requirements_list", summary="List requirement sets, newest first"),
    post=extend_schema(
        operation_id="cards_requirements_publish", summary="Publish a requirement set", request=RequirementSetIn,
        responses={201: RequirementSetDetailOut},
    ),
)  # fmt: skip
class RequirementSetList(generics.ListCreateAPIView):
    """The sets that were published; POST publishes the next one, which governs at once."""

    serializer_class = RequirementSetOut

    def get_queryset(self) -> QuerySet[RequirementSet]:
        """Return every set."""
        valid(NoFilter, self.request.query_params.dict())
        return RequirementSet.objects.select_related("published_by").order_by("-number")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Publish one and answer with it."""
        user: Any = request.user
        said = valid(RequirementSetIn, request.data)
        row = requirements.publish(said["levels"], reason=said["reason"], seen=said["seen"], by=user)
        return Response(RequirementSetDetailOut(row).data, status=status.HTTP_201_CREATED)


class RequirementSetCurrent(APIView):
    """The set that governs."""

    @extend_schema(
        operation_id="cards_requirements_current", summary="Read the set that governs",
        responses=RequirementSetDetailOut,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Answer with the set that was published last, or with the built-in one."""
        valid(NoFilter, request.query_params.dict())
        return Response(RequirementSetDetailOut(requirements.published()).data)


class RequirementSetDetail(APIView):
    """One set."""

    @extend_schema(
        operation_id="cards_requirements_retrieve", summary="Read a requirement set",
        responses=RequirementSetDetailOut,
    )  # fmt: skip
    def get(self, request: Request, set: int) -> Response:
        """Answer with what it asks; 0 is the built-in set."""
        valid(NoFilter, request.query_params.dict())
        return Response(RequirementSetDetailOut(requirements.published(set)).data)


urlpatterns = [
    path("cards/requirements/", RequirementSetList.as_view(), name="card-requirement-list"),
    path("cards/requirements/current/", RequirementSetCurrent.as_view(), name="card-requirement-current"),
    path("cards/requirements/<int:set>/", RequirementSetDetail.as_view(), name="card-requirement-set"),
]
