"""Drift and protected aliases over the API: the same services and queries as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals.drift import protected, queries, services
from apps.approvals.drift.actions import DriftAction
from apps.approvals.drift.serializers import (
    AcceptIn,
    DriftDetailOut,
    DriftFilter,
    DriftOut,
    MaybeReasonIn,
    ProtectedAliasIn,
    ProtectedAliasOut,
    ReasonIn,
)
from apps.approvals.models import UNSETTLED, DriftFinding, ProtectedAlias
from apps.approvals.serializers import NoFilter, Strict, valid
from apps.registry.connections import named


@extend_schema(summary="List drift, newest first", parameters=[DriftFilter])
class DriftList(generics.ListAPIView):
    """What MLflow says otherwise than the decisions, on models that you may read."""

    serializer_class = DriftOut

    def get_queryset(self) -> QuerySet[DriftFinding]:
        wanted = valid(DriftFilter, self.request.query_params.dict())
        rows = queries.visible_findings(self.request.user)
        if wanted["settled"] is not None:
            rows = rows.exclude(state__in=UNSETTLED) if wanted["settled"] else rows.filter(state__in=UNSETTLED)
        if "model" in wanted:
            rows = rows.filter(named(wanted["model"], "model__"))
        if "connection" in wanted:
            rows = rows.filter(model__connection=wanted["connection"])
        return rows.filter(**{name: wanted[name] for name in ("state", "kind") if name in wanted})


@extend_schema(summary="One finding with what is known of it and what you may do")
class DriftDetail(generics.RetrieveAPIView):
    """One finding of drift."""

    serializer_class = DriftDetailOut

    def get_object(self) -> DriftFinding:
        valid(NoFilter, self.request.query_params.dict())
        return queries.get_finding(self.request.user, self.kwargs["id"])


class _Act(generics.GenericAPIView):
    """Do one thing about a finding."""

    serializer_class = DriftDetailOut
    action: DriftAction
    parsed: type[Strict] = ReasonIn

    def post(self, request: Request, id: int) -> Response:
        """Take the action and answer with the finding as it is then."""
        user: Any = request.user
        services.act(id, self.action, by=user, **valid(self.parsed, request.data))
        return Response(DriftDetailOut(queries.get_finding(user, id), context={"request": request}).data)


@extend_schema(summary="Accept drift: what MLflow says is expected from now on", request=AcceptIn)
class Accept(_Act):
    """Accept it as it is, with a reason, where the policy of the stage or alias is met by your word alone."""

    action = DriftAction.ACCEPT
    parsed = AcceptIn


@extend_schema(summary="Revert drift: a worker puts MLflow back", request=MaybeReasonIn)
class Revert(_Act):
    """Put a stage or a protected alias back in MLflow."""

    action = DriftAction.REVERT
    parsed = MaybeReasonIn


@extend_schema(summary="Open a request for drift: make what MLflow says a decision", request=ReasonIn)
class RequestIt(_Act):
    """Ask for the stage or the alias as MLflow shows it; `request` in the answer is the number of the new request."""

    action = DriftAction.REQUEST


@extend_schema_view(
    get=extend_schema(summary="List protected aliases"),
    post=extend_schema(summary="Protect an alias", request=ProtectedAliasIn, responses={201: ProtectedAliasOut}),
)
class ProtectedAliasList(generics.ListCreateAPIView):
    """The aliases whose target is governed on every model; POST adds one."""

    serializer_class = ProtectedAliasOut

    def get_queryset(self) -> QuerySet[ProtectedAlias]:
        valid(NoFilter, self.request.query_params.dict())
        return queries.protected_aliases()

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user: Any = request.user
        row = protected.protect(**valid(ProtectedAliasIn, request.data), by=user)
        return Response(ProtectedAliasOut(row).data, status=status.HTTP_201_CREATED)


@extend_schema(summary="Protect an alias no longer", request=ReasonIn, responses={204: None})
class Unprotect(generics.GenericAPIView):
    """Let an alias move freely again. Findings that are open stay."""

    serializer_class = ReasonIn

    def post(self, request: Request, alias: str) -> Response:
        """Remove the protection."""
        user: Any = request.user
        protected.unprotect(alias, by=user, **valid(ReasonIn, request.data))
        return Response(status=status.HTTP_204_NO_CONTENT)


urlpatterns = [
    path("drift/", DriftList.as_view(), name="drift-list"),
    path("drift/<int:id>/", DriftDetail.as_view(), name="drift-detail"),
    path("drift/<int:id>/accept/", Accept.as_view(), name="drift-accept"),
    path("drift/<int:id>/revert/", Revert.as_view(), name="drift-revert"),
    path("drift/<int:id>/request/", RequestIt.as_view(), name="drift-request"),
    path("protected-aliases/", ProtectedAliasList.as_view(), name="protected-alias-list"),
    path("protected-aliases/<str:alias>/unprotect/", Unprotect.as_view(), name="protected-alias-unprotect"),
]
