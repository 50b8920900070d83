"""Delegations over the API: the same services and queries as the page."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals.delegating import queries, services
from apps.approvals.delegating.serializers import DelegationFilter, DelegationIn, DelegationOut, RevokeDelegationIn
from apps.approvals.models import Delegation
from apps.approvals.serializers import model_named, valid
from apps.registry.queries import visible_models


@extend_schema_view(
    get=extend_schema(summary="List delegations, newest first", parameters=[DelegationFilter]),
    post=extend_schema(summary="Delegate reviews", request=DelegationIn, responses={201: DelegationOut}),
)
class DelegationList(generics.ListCreateAPIView):
    """Who reviews for whom: those that you gave or hold; POST lends your reviews, or somebody's who is away."""

    serializer_class = DelegationOut

    def get_queryset(self) -> QuerySet[Delegation]:
        wanted = valid(DelegationFilter, self.request.query_params.dict())
        rows = queries.visible_delegations(self.request.user)
        if "person" in wanted:
            rows = queries.of_person(rows, wanted["person"])
        if wanted["current"] is None:
            return rows
        return queries.current(rows) if wanted["current"] else queries.ended(rows)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        terms = valid(DelegationIn, request.data)
        user: Any = request.user
        model = model_named(terms.pop("model"), visible_models(user))
        row = services.give(terms.pop("delegate"), by=user, model=model, **terms)
        return Response(DelegationOut(row).data, status=status.HTTP_201_CREATED)


@extend_schema(summary="Revoke a delegation", request=RevokeDelegationIn)
class RevokeDelegation(generics.GenericAPIView):
    """End a delegation at once. Reviews that were given under it count no more."""

    serializer_class = DelegationOut

    def post(self, request: Request, id: int) -> Response:
        """Revoke it and answer with it as it is then."""
        user: Any = request.user
        return Response(DelegationOut(services.revoke(id, by=user, **valid(RevokeDelegationIn, request.data))).data)


urlpatterns = [
    path("delegations/", DelegationList.as_view(), name="delegation-list"),
    path("delegations/<int:id>/revoke/", RevokeDelegation.as_view(), name="delegation-revoke"),
]
