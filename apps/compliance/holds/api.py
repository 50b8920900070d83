"""Legal holds over the API: the same services as the page."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compliance.holds import queries, services
from apps.compliance.models import HoldBreach, LegalHold
from apps.strict import Strict, valid
from apps.texts import MAX_TEXT


class HoldFilter(Strict):
    """Query parameters of the list of holds."""

    standing = serializers.BooleanField(required=False, default=None, allow_null=True, help_text="Or those lifted.")


class HoldIn(Strict):
    """Put something on hold."""

    model = serializers.CharField(trim_whitespace=False, help_text="The exact name.")
    version = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=2**31 - 1, help_text="Null: every one."
    )
    reason = serializers.CharField(max_length=MAX_TEXT)


class HoldLiftIn(Strict):
    """Why it is lifted."""

    reason = serializers.CharField(max_length=MAX_TEXT)


class BreachOut(serializers.ModelSerializer):
    """Something held that MLflow lost."""

    version = serializers.IntegerField(source="version.number", default=None, allow_null=True)

    class Meta:
        model = HoldBreach
        fields = ("version", "what", "found_at")


class HoldOut(serializers.ModelSerializer):
    """A hold; `lifted_at` null: it stands."""

    model = serializers.CharField(source="model.reference")
    version = serializers.IntegerField(source="version.number", default=None, allow_null=True)
    set_by = serializers.CharField(source="set_by.username")
    lifted_by = serializers.CharField(source="lifted_by.username", default=None, allow_null=True)
    breaches = BreachOut(many=True)

    class Meta:
        model = LegalHold
        fields = ("id", "model", "version", "reason", "set_by", "set_at", "lifted_by", "lifted_at", "lift_reason",
                  "breaches")  # fmt: skip


@extend_schema_view(
    get=extend_schema(summary="List legal holds, newest first", parameters=[HoldFilter]),
    post=extend_schema(summary="Set a legal hold", request=HoldIn, responses={201: HoldOut}),
)
class HoldList(generics.ListCreateAPIView):
    """What is on hold, and what was, of the models that you may read; POST sets a hold."""

    serializer_class = HoldOut

    def get_queryset(self) -> QuerySet[LegalHold]:
        wanted = valid(HoldFilter, self.request.query_params.dict())
        rows = queries.visible_holds(self.request.user).order_by("-set_at", "-id")
        return rows if wanted["standing"] is None else queries.standing(rows, lifted=not wanted["standing"])

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user: Any = request.user
        asked = valid(HoldIn, request.data)
        hold = services.set_hold(asked["model"], asked["version"], reason=asked["reason"], by=user)
        return Response(HoldOut(queries.get_hold(user, hold.pk)).data, status=status.HTTP_201_CREATED)


@extend_schema(summary="Lift a legal hold", request=HoldLiftIn, responses=HoldOut)
class Lift(generics.GenericAPIView):
    """End a hold, as somebody other than who set it."""

    serializer_class = HoldOut

    def post(self, request: Request, hold: int) -> Response:
        """Lift it and answer with the hold as it is then."""
        user: Any = request.user
        services.lift(hold, reason=valid(HoldLiftIn, request.data)["reason"], by=user)
        return Response(HoldOut(queries.get_hold(user, hold)).data)


urlpatterns = [
    path("holds/", HoldList.as_view(), name="hold-list"),
    path("holds/<int:hold>/lift/", Lift.as_view(), name="hold-lift"),
]
