"""The sign-off over the API: the same services and queries as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import queries, services
from apps.approvals.checks import api as checks
from apps.approvals.conditions import api as conditions
from apps.approvals.delegating import api as delegating
from apps.approvals.drift import api as drift
from apps.approvals.exceptional import api as exceptional
from apps.approvals.gate import api as gate
from apps.approvals.history import api as history
from apps.approvals.models import ApprovalRequest, Review
from apps.approvals.policies import api as policies
from apps.approvals.queue import queries as queue
from apps.approvals.serializers import (
    CommentIn,
    NoFilter,
    RequestDetailOut,
    RequestFilter,
    RequestIn,
    RequestOut,
    ReviewIn,
    ReviewOut,
    valid,
)
from apps.approvals.signing import ConditionTerms, Signing
from apps.approvals.transitions import RequestAction
from apps.registry.connections import named
from apps.registry.models import ModelVersion


def _version_id(name: str, number: int) -> int:
    """Return the key of a version for the service, which decides who may see it; 0 when there is none."""
    versions = ModelVersion.objects.filter(named(name, "model__"), model__deleted_at=None, number=number)
    return versions.values_list("pk", flat=True).first() or 0


@extend_schema_view(
    get=extend_schema(summary="List requests, newest first", parameters=[RequestFilter]),
    post=extend_schema(summary="Ask for a promotion", request=RequestIn, responses={201: RequestDetailOut}),
)
class RequestList(generics.ListCreateAPIView):
    """The requests on models that you may read; POST asks for a promotion."""

    serializer_class = RequestOut

    def get_queryset(self) -> QuerySet[ApprovalRequest]:
        wanted = valid(RequestFilter, self.request.query_params.dict())
        user: Any = self.request.user
        rows = queue.waiting_for(user) if "waiting" in wanted else queries.visible_requests(user)
        rows = rows.select_related("version__model", "requester", "policy__model")
        rows = rows.prefetch_related("policy__rules__group").defer(*queries.BIG)
        if "state" in wanted:
            rows = rows.filter(state=wanted["state"])
        if "model" in wanted:
            rows = rows.filter(named(wanted["model"], "version__model__"))
        if wanted["mine"] is not None:
            rows = rows.filter(requester=user) if wanted["mine"] else rows.exclude(requester=user)
        return rows

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = valid(RequestIn, request.data)
        user: Any = request.user
        version_id = _version_id(asked.pop("model"), asked.pop("version"))
        opened = services.open_request(version_id, asked.pop("to_stage"), by=user, **asked)
        return _detail(request, opened.pk, status.HTTP_201_CREATED)


@extend_schema(summary="One request with evidence, reviews, checks and what it waits for")
class RequestDetail(generics.RetrieveAPIView):
    """One request with everything to decide it."""

    serializer_class = RequestDetailOut

    def get_object(self) -> ApprovalRequest:
        valid(NoFilter, self.request.query_params.dict())
        return queries.get_request(self.request.user, self.kwargs["id"])


@extend_schema_view(
    get=extend_schema(summary="The reviews of a request, oldest first"),
    post=extend_schema(
        summary="Review a request: approve, request changes or reject",
        request=ReviewIn,
        responses={201: RequestDetailOut},
    ),
)
class ReviewList(generics.ListCreateAPIView):
    """The reviews of one request; POST gives yours."""

    serializer_class = ReviewOut

    def get_queryset(self) -> QuerySet[Review]:
        valid(NoFilter, self.request.query_params.dict())
        request = queries.get_request(self.request.user, self.kwargs["id"])
        return request.reviews.select_related("reviewer", "counts_for").order_by("id")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        said = valid(ReviewIn, request.data)
        user: Any = request.user
        signing = Signing(
            meaning=said.pop("meaning"),
            password=said.pop("password"),
            on_behalf_of=said.pop("on_behalf_of"),
            conditions=tuple(ConditionTerms(**terms) for terms in said.pop("conditions", ())),
        )
        services.act(self.kwargs["id"], said.pop("verdict"), by=user, signing=signing, **said)
        return _detail(request, self.kwargs["id"], status.HTTP_201_CREATED)


class _Act(generics.GenericAPIView):
    """Do one thing to a request, with an optional comment."""

    serializer_class = RequestDetailOut
    action: RequestAction

    def post(self, request: Request, id: int) -> Response:
        """Take the action and answer with the request as it is then."""
        user: Any = request.user
        services.act(id, self.action, by=user, **valid(CommentIn, request.data))
        return _detail(request, id)


@extend_schema(summary="Withdraw a request", request=CommentIn)
class Withdraw(_Act):
    """Withdraw a request before it is applied."""

    action = RequestAction.WITHDRAW


@extend_schema(summary="Try again to apply an approved request", request=CommentIn)
class Retry(_Act):
    """Apply again after a failure; the approvals stand."""

    action = RequestAction.RETRY


def _detail(request: Request, number: int, code: int = status.HTTP_200_OK) -> Response:
    user: Any = request.user
    return Response(RequestDetailOut(queries.get_request(user, number), context={"request": request}).data, status=code)


urlpatterns = [
    path("requests/", RequestList.as_view(), name="request-list"),
    path("requests/<int:id>/", RequestDetail.as_view(), name="request-detail"),
    path("requests/<int:id>/reviews/", ReviewList.as_view(), name="review-list"),
    path("requests/<int:id>/withdraw/", Withdraw.as_view(), name="request-withdraw"),
    path("requests/<int:id>/retry/", Retry.as_view(), name="request-retry"),
    *checks.urlpatterns,
    *conditions.urlpatterns,
    *delegating.urlpatterns,
    *drift.urlpatterns,
    *exceptional.urlpatterns,
    *gate.urlpatterns,
    *history.urlpatterns,
    *policies.urlpatterns,
]
