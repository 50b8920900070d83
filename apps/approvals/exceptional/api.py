"""Bypasses, reviews afterwards, rollbacks and certifying anew over the API: the same services as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import queries as requests
from apps.approvals.exceptional import after_review, bypass, queries, recertification, rollback
from apps.approvals.exceptional.serializers import (
    AfterReviewIn,
    AfterReviewOut,
    AskBypassIn,
    ConfirmBypassIn,
    DropBypassIn,
    EndingOut,
    ExceptionsOut,
    PlaceIn,
    RecertifyIn,
    RollbackIn,
    RollbackTargetOut,
)
from apps.approvals.models import AfterReview, ApprovalRequest, Ratification
from apps.approvals.serializers import RequestDetailOut
from apps.registry import converters  # noqa: F401  registers <model:name>
from apps.registry.queries import get_model
from apps.strict import NoFilter, Strict, valid


class _Deed(generics.GenericAPIView):
    """Do one thing about a request, and answer with the request as it is then."""

    serializer_class = RequestDetailOut
    parsed: type[Strict]

    def post(self, request: Request, id: int) -> Response:
        """Take what was said to the service."""
        self.carry_out(id, request.user, valid(self.parsed, request.data))
        return _detail(request, id)

    def carry_out(self, number: int, user: Any, said: dict[str, Any]) -> None:
        """Call the service."""
        raise NotImplementedError


@extend_schema(summary="Ask for a bypass: to apply a request past its policy", request=AskBypassIn)
class AskBypass(_Deed):
    """Nothing moves before a second person confirms. Both hold `model:bypass`, and both give their password."""

    parsed = AskBypassIn

    def carry_out(self, number: int, user: Any, said: dict[str, Any]) -> None:
        bypass.ask(number, by=user, **said)


@extend_schema(summary="Confirm a bypass as the second person: it is applied at once", request=ConfirmBypassIn)
class ConfirmBypass(_Deed):
    """Neither the asker, nor the requester, nor whoever made the version confirms."""

    parsed = ConfirmBypassIn

    def carry_out(self, number: int, user: Any, said: dict[str, Any]) -> None:
        bypass.confirm(number, by=user, **said)


@extend_schema(summary="Drop a bypass that nobody has confirmed", request=DropBypassIn)
class DropBypass(_Deed):
    """Whoever asked, or anybody who could confirm it, thinks better of it."""

    parsed = DropBypassIn

    def carry_out(self, number: int, user: Any, said: dict[str, Any]) -> None:
        bypass.take_back(number, by=user, **said)


@extend_schema(summary="Review a bypass or a rollback afterwards", request=AfterReviewIn)
class GiveAfterReview(_Deed):
    """Say, once, whether it is ratified. What is not stays until somebody rolls it back; the gate denies it."""

    parsed = AfterReviewIn

    def carry_out(self, number: int, user: Any, said: dict[str, Any]) -> None:
        outcome = Ratification.RATIFIED if said.pop("ratified") else Ratification.NOT_RATIFIED
        after_review.review(number, outcome, by=user, **said)


@extend_schema(summary="Certify anew that an applied approval still holds", request=RecertifyIn)
class Recertify(_Deed):
    """As long as the evidence is the one that was signed; from now on for as long as the policy says."""

    parsed = RecertifyIn

    def carry_out(self, number: int, user: Any, said: dict[str, Any]) -> None:
        recertification.recertify(number, by=user, **said)


class Rollback(generics.GenericAPIView):
    """Going back to a version that was approved for the place and whose files are the ones that were signed."""

    serializer_class = RollbackTargetOut
    pagination_class = None

    @extend_schema(
        summary="The versions that could go back to a stage or an alias, and why others cannot",
        parameters=[PlaceIn],
        responses=RollbackTargetOut(many=True),
    )
    def get(self, request: Request, name: str) -> Response:
        """Answer with every version that was there before, the last first."""
        place = valid(PlaceIn, request.query_params.dict())
        rollback.check_place(**place)
        found = rollback.targets(get_model(request.user, name), **place)
        return Response(RollbackTargetOut(found, many=True).data)

    @extend_schema(
        summary="Roll a stage or a protected alias back", request=RollbackIn, responses={201: RequestDetailOut}
    )
    def post(self, request: Request, name: str) -> Response:
        """Go back at once (`model:deploy`). A review afterwards is owed."""
        said = valid(RollbackIn, request.data)
        user: Any = request.user
        model = get_model(user, name)
        opened = rollback.roll_back(model.pk, number=said.pop("version"), by=user, **said)
        return _detail(request, opened.pk, status.HTTP_201_CREATED)


@extend_schema(summary="List the reviews that bypasses and rollbacks owe, the most overdue first")
class AfterReviewList(generics.ListAPIView):
    """On the models that you may read."""

    serializer_class = AfterReviewOut

    def get_queryset(self) -> QuerySet[AfterReview]:
        valid(NoFilter, self.request.query_params.dict())
        return queries.owed(self.request.user)


@extend_schema(summary="List approvals in force that lapsed, or end within fourteen days (half of a shorter period)")
class RecertificationList(generics.ListAPIView):
    """On the models that you may read, the first to end first."""

    serializer_class = EndingOut

    def get_queryset(self) -> QuerySet[ApprovalRequest]:
        valid(NoFilter, self.request.query_params.dict())
        return queries.ending(self.request.user)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "now": timezone.now()}


@extend_schema(summary="How much is beside the ordinary, and bypasses by month")
class Exceptions(generics.RetrieveAPIView):
    """Counted on the models that you may read."""

    serializer_class = ExceptionsOut

    def get_object(self) -> dict[str, Any]:
        valid(NoFilter, self.request.query_params.dict())
        user, owed = self.request.user, queries.owed(self.request.user)
        return {
            "owed": owed.count(),
            "overdue": owed.filter(due_at__lte=timezone.now()).count(),
            "not_ratified": queries.not_ratified(user).count(),
            "ending": queries.ending(user).count(),
            "bypasses": queries.per_month(user),
        }


def _detail(request: Request, number: int, code: int = status.HTTP_200_OK) -> Response:
    user: Any = request.user
    found = requests.get_request(user, number)
    return Response(RequestDetailOut(found, context={"request": request}).data, status=code)


urlpatterns = [
    path("exceptions/", Exceptions.as_view(), name="exceptions"),
    path("after-reviews/", AfterReviewList.as_view(), name="after-review-list"),
    path("recertifications/", RecertificationList.as_view(), name="recertification-list"),
    path("models/<model:name>/rollback/", Rollback.as_view(), name="model-rollback"),
    path("requests/<int:id>/bypass/", AskBypass.as_view(), name="bypass-ask"),
    path("requests/<int:id>/bypass/confirm/", ConfirmBypass.as_view(), name="bypass-confirm"),
    path("requests/<int:id>/bypass/drop/", DropBypass.as_view(), name="bypass-drop"),
    path("requests/<int:id>/after-review/", GiveAfterReview.as_view(), name="after-review"),
    path("requests/<int:id>/recertify/", Recertify.as_view(), name="recertify"),
]
