"""A model's report over the API."""

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.approvals.model_report.views import json_parts
from apps.registry import queries as registry
from apps.strict import NoFilter, valid


class ModelReportLineOut(serializers.Serializer):
    """One thing that happened."""

    at = serializers.DateTimeField()
    what = serializers.ChoiceField(choices=["asked", "signed", "closed", "placed", "drifted", "settled"])
    said = serializers.CharField(help_text="The kind, verdict, state or source, by `what`.")
    version = serializers.IntegerField(allow_null=True)
    target = serializers.CharField(help_text="A stage, or an alias with its @; of drift, what is otherwise.")
    who = serializers.CharField(allow_blank=True)
    role = serializers.CharField(allow_blank=True, help_text="At that time.")
    reason = serializers.CharField(allow_blank=True)
    request = serializers.IntegerField(allow_null=True)
    evidence_digest = serializers.CharField(allow_blank=True)
    until = serializers.DateTimeField(allow_null=True, help_text="Of `placed`: null, it is so now.")


class RoleHolderOut(serializers.Serializer):
    """Who holds which roles on the model now."""

    who = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())


class ModelReportOut(serializers.Serializer):
    """The report, oldest line first."""

    format = serializers.CharField()
    model = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    roles = RoleHolderOut(many=True)
    lines = ModelReportLineOut(many=True)


class Report(APIView):
    """Who asked, signed and applied, what drifted, what was in Production when, and who holds which roles."""

    @extend_schema(operation_id="model_report", summary="Read a model's report", responses=ModelReportOut)
    def get(self, request: Request, name: str) -> HttpResponseBase:
        """Stream it whole, oldest line first."""
        valid(NoFilter, request.query_params.dict())
        model = registry.get_model(request.user, name)
        return StreamingHttpResponse(json_parts(request.user, model), content_type="application/json")


urlpatterns = [path("models/<model:name>/report/", Report.as_view(), name="model-report")]
