"""Conditions over the API: the same services as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import conditions, queries
from apps.approvals.models import Condition
from apps.approvals.serializers import NoFilter, Strict, valid
from apps.texts import MAX_TEXT


class MeetIn(Strict):
    """How a condition was met."""

    note = serializers.CharField(max_length=MAX_TEXT)


class ConditionOut(serializers.ModelSerializer):
    """What must be done by when for an approval to keep counting."""

    review = serializers.IntegerField(source="review_id")
    owner = serializers.CharField(source="owner.username")

    class Meta:
        model = Condition
        fields = ("id", "review", "text", "owner", "severity", "due_at", "met_at", "met_by", "note", "revoked_at")


@extend_schema_view(get=extend_schema(summary="The conditions of a request's approvals, oldest first"))
class ConditionList(generics.ListAPIView):
    """What the approvals of one request hang on."""

    serializer_class = ConditionOut

    def get_queryset(self) -> QuerySet[Condition]:
        valid(NoFilter, self.request.query_params.dict())
        request = queries.get_request(self.request.user, self.kwargs["id"])
        return Condition.objects.filter(review__request=request).select_related("owner").order_by("id")


@extend_schema(summary="Say that a condition is met", request=MeetIn)
class MeetCondition(generics.GenericAPIView):
    """For the condition's owner, and for whoever set it."""

    serializer_class = ConditionOut

    def post(self, request: Request, id: int) -> Response:
        """Meet it and answer with it as it is then."""
        user: Any = request.user
        return Response(ConditionOut(conditions.meet(id, by=user, **valid(MeetIn, request.data))).data)


urlpatterns = [
    path("requests/<int:id>/conditions/", ConditionList.as_view(), name="condition-list"),
    path("conditions/<int:id>/meet/", MeetCondition.as_view(), name="condition-meet"),
]
