"""Controls and clauses over the API: the same services as the page."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.compliance.clauses.coverage import coverage
from apps.compliance.clauses.reading import clauses_of
from apps.compliance.controls import configuring
from apps.compliance.controls.outcomes import Column
from apps.compliance.controls.settings import columns
from apps.compliance.matrix.serializers import CountingOut
from apps.compliance.models import Severity
from apps.errors import NotVisible
from apps.strict import NoFilter, Strict, valid
from apps.texts import MAX_TEXT


class ControlOut(serializers.Serializer):
    """A control as it is set now."""

    name = serializers.CharField(source="control.name")
    label = serializers.CharField(source="control.label")  # type: ignore[assignment]
    question = serializers.CharField(source="control.question")
    enabled = serializers.BooleanField(source="setting.enabled")
    tiers = serializers.ListField(
        source="setting.tiers", child=serializers.CharField(), help_text="Empty: every model."
    )
    severity = serializers.ChoiceField(Severity.choices, source="setting.severity")
    number = serializers.IntegerField(source="setting.number", help_text="Of the setting; 0: nobody has set it yet.")
    reason = serializers.CharField(source="setting.reason", allow_blank=True)
    set_by = serializers.CharField(source="setting.set_by", allow_blank=True)
    set_at: Any = serializers.DateTimeField(source="setting.set_at", allow_null=True)
    clauses = serializers.SerializerMethodField(help_text="What it supports evidence for.")

    def get_clauses(self, column: Column) -> list[str]:
        return clauses_of(column.control.name)


class ControlIn(Strict):
    """A new setting, whole."""

    enabled = serializers.BooleanField()
    tiers = serializers.ListField(child=serializers.CharField(max_length=250), required=False, default=list)
    severity = serializers.ChoiceField(Severity.choices)
    reason = serializers.CharField(max_length=MAX_TEXT)
    seen = serializers.IntegerField(
        min_value=0, max_value=2**31 - 2, help_text="`number` of the setting that you read; another by now: 409."
    )


class ClauseOut(serializers.Serializer):
    """A clause, and of how many visible models its controls are all met."""

    clause = serializers.CharField(source="clause.clause")
    about = serializers.CharField(source="clause.about")
    controls = serializers.ListField(source="clause.controls", child=serializers.CharField())
    limits = serializers.CharField(source="clause.limits", help_text="What these controls do not show.")
    off = serializers.ListField(child=serializers.CharField(), help_text="Controls that are off: it is not supported.")
    met = serializers.IntegerField()
    asked = serializers.IntegerField(help_text="Models of which its controls ask anything.")


class CoveredOut(serializers.Serializer):
    """A document with its clauses."""

    id = serializers.CharField(source="source.id")
    title = serializers.CharField(source="source.title")
    publisher = serializers.CharField(source="source.publisher")
    address = serializers.CharField(source="source.address")
    note = serializers.CharField(source="source.note", allow_blank=True)
    basis = serializers.CharField(source="source.basis", help_text="What of it was read for the mapping, and what not.")
    clauses = ClauseOut(many=True)
    judged_at: Any = serializers.DateTimeField(
        help_text="When the models were judged for it: more than 500 are judged by a worker, some minutes ago at most."
    )


class ControlList(APIView):
    """Every control, on or off."""

    @extend_schema(summary="List controls", responses=ControlOut(many=True), tags=["compliance"])
    def get(self, request: Request) -> Response:
        """Answer with the controls as they are set now."""
        valid(NoFilter, request.query_params.dict())
        return Response(ControlOut(columns(timezone.now(), every=True), many=True).data)


class ControlDetail(APIView):
    """One control."""

    @extend_schema(summary="Read a control", responses=ControlOut, tags=["compliance"])
    def get(self, request: Request, control: str) -> Response:
        """Answer with the control as it is set now."""
        valid(NoFilter, request.query_params.dict())
        return Response(ControlOut(_column(control)).data)

    @extend_schema(summary="Set a control", request=ControlIn, responses=ControlOut, tags=["compliance"])
    def put(self, request: Request, control: str) -> Response:
        """Set it from now on; earlier moments are judged as it was set then."""
        user: Any = request.user
        configuring.configure(control, **valid(ControlIn, request.data), by=user)
        return Response(ControlOut(_column(control)).data)


class ClauseList(APIView):
    """Clauses of laws and standards, and how the models that you may read stand to them.

    Every one of them is judged for it, more than 500 by a worker: see `judged_at`.
    """

    @extend_schema(
        summary="List clauses with their coverage",
        responses={200: CoveredOut(many=True), 202: CountingOut},
        tags=["compliance"],
    )
    def get(self, request: Request) -> Response:
        """Answer with every document, or with 202 while a worker judges many models.

        What is met supports evidence for a clause; it certifies nothing. Mapped by Assent; not legal advice.
        """
        valid(NoFilter, request.query_params.dict())
        now = timezone.now()
        found = coverage(request.user, now, [one.control.name for one in columns(now)], asked=True)
        if found.of is None:
            return Response(CountingOut({"state": found.state}).data, status=202)
        return Response(CoveredOut(found.of, many=True).data)


def _column(control: str) -> Column:
    for column in columns(timezone.now(), every=True):
        if column.control.name == control:
            return column
    raise NotVisible("There is no such control.")


urlpatterns = [
    path("compliance/controls/", ControlList.as_view(), name="control-list"),
    path("compliance/controls/<str:control>/", ControlDetail.as_view(), name="control-detail"),
    path("compliance/clauses/", ClauseList.as_view(), name="clause-list"),
]
