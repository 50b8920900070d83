"""The sign-off over the API: the same services and queries as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import queries, services
from apps.approvals.asking import api as asking
from apps.approvals.asking.api import version_id
from apps.approvals.asking.serializers import DraftIn, RequestIn
from apps.approvals.at_once import looking
from apps.approvals.checks import api as checks
from apps.approvals.conditions import api as conditions
from apps.approvals.delegating import api as delegating
from apps.approvals.drift import api as drift
from apps.approvals.exceptional import api as exceptional
from apps.approvals.gate import api as gate
from apps.approvals.history import api as history
from apps.approvals.model_report import api as model_report
from apps.approvals.models import ApprovalRequest, Review
from apps.approvals.policies import api as policies
from apps.approvals.queue import queries as queue
from apps.approvals.serializers import (
    CommentIn,
    NoFilter,
    RequestDetailOut,
    RequestFilter,
    RequestOut,
    ReviewIn,
    ReviewOut,
    valid,
)
from apps.approvals.signing import ConditionTerms, Signing
from apps.approvals.simulating import api as simulating
from apps.approvals.transitions import RequestAction
from apps.registry.connections import named

WAITING = {"me": queue.waiting_for, "team": queue.waiting_for_team}


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
        rows = WAITING[wanted["waiting"]](user) if "waiting" in wanted else queries.visible_requests(user)
        rows = rows.select_related("version__model", "requester", "policy__model")
        rows = rows.prefetch_related("policy__rules__group").defer(*queries.BIG)
        if "state" in wanted:
            rows = rows.filter(state=wanted["state"])
        if "model" in wanted:
            rows = rows.filter(named(wanted["model"], "version__model__"))
        if "alias" in wanted:
            rows = rows.filter(alias=wanted["alias"])
        if wanted["mine"] is not None:
            rows = rows.filter(requester=user) if wanted["mine"] else rows.exclude(requester=user)
        return rows

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = valid(RequestIn, request.data)
        user: Any = request.user
        number = version_id(asked.pop("model"), asked.pop("version"))
        opened = services.open_request(number, asked.pop("to_stage", ""), by=user, **asked)
        return _detail(request, opened.pk, status.HTTP_201_CREATED)


class RequestDetail(generics.GenericAPIView):
    """One request with everything to decide it; PATCH changes a draft."""

    serializer_class = RequestDetailOut

    @extend_schema(summary="One request with evidence, reviews, checks and what it waits for")
    def get(self, request: Request, id: int) -> Response:
        """Answer with everything there is to decide the request."""
        valid(NoFilter, request.query_params.dict())
        return _detail(request, id)

    @extend_schema(summary="Change a draft", request=DraftIn)
    def patch(self, request: Request, id: int) -> Response:
        """Change what is named; the rest of the draft stays."""
        user: Any = request.user
        services.edit_draft(id, by=user, **valid(DraftIn, request.data))
        return _detail(request, id)


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


@extend_schema(summary="Submit a draft", request=CommentIn)
class Submit(_Act):
    """Send a draft to review, on the evidence and under the policy of now."""

    action = RequestAction.SUBMIT


@extend_schema(summary="Dismiss the objections to a request", request=CommentIn)
class DismissObjection(_Act):
    """Take requests for changes out of the way, with a reason: neither the requester nor who objected may."""

    action = RequestAction.DISMISS_OBJECTION


@extend_schema(summary="Close a request that a newer one takes the place of", request=CommentIn)
class Supersede(_Act):
    """Close an older request for the same target."""

    action = RequestAction.SUPERSEDE


@extend_schema(summary="Let a request follow the present policy", request=CommentIn)
class Repin(_Act):
    """Put a request under the policy that is in force now, and look at its votes anew."""

    action = RequestAction.REPIN


class Discard(generics.GenericAPIView):
    """Throw a draft away."""

    @extend_schema(summary="Discard a draft", request=CommentIn, responses={204: None})
    def post(self, request: Request, id: int) -> Response:
        """Remove the draft; nobody else ever saw it."""
        user: Any = request.user
        services.act(id, RequestAction.DISCARD, by=user, **valid(CommentIn, request.data))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _detail(request: Request, number: int, code: int = status.HTTP_200_OK) -> Response:
    user: Any = request.user
    asked = queries.get_request(user, number)
    with looking():
        return Response(RequestDetailOut(asked, context={"request": request}).data, status=code)


urlpatterns = [
    path("requests/", RequestList.as_view(), name="request-list"),
    *asking.urlpatterns,
    path("requests/<int:id>/", RequestDetail.as_view(), name="request-detail"),
    path("requests/<int:id>/reviews/", ReviewList.as_view(), name="review-list"),
    path("requests/<int:id>/withdraw/", Withdraw.as_view(), name="request-withdraw"),
    path("requests/<int:id>/retry/", Retry.as_view(), name="request-retry"),
    path("requests/<int:id>/submit/", Submit.as_view(), name="request-submit"),
    path("requests/<int:id>/discard/", Discard.as_view(), name="request-discard"),
    path("requests/<int:id>/dismiss-objection/", DismissObjection.as_view(), name="request-dismiss-objection"),
    path("requests/<int:id>/supersede/", Supersede.as_view(), name="request-supersede"),
    path("requests/<int:id>/repin/", Repin.as_view(), name="request-repin"),
    *checks.urlpatterns,
    *conditions.urlpatterns,
    *delegating.urlpatterns,
    *drift.urlpatterns,
    *exceptional.urlpatterns,
    *gate.urlpatterns,
    *history.urlpatterns,
    *model_report.urlpatterns,
    *policies.urlpatterns,
    *simulating.urlpatterns,
]
