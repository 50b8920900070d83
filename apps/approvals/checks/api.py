"""Reports of checks, and waivers, over the API: the same services as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import queries, waivers
from apps.approvals.checks import reporting
from apps.approvals.checks.serializers import (
    CheckReportFilter,
    CheckReportIn,
    CheckReportOut,
    RevokeIn,
    WaiverIn,
    WaiverOut,
)
from apps.approvals.models import ExternalCheck, Waiver
from apps.approvals.serializers import NoFilter, valid
from apps.registry import converters  # noqa: F401  registers <model:name>
from apps.registry.connections import named
from apps.registry.models import ModelVersion
from apps.registry.queries import get_version


@extend_schema_view(
    get=extend_schema(summary="List what was reported on a version, newest first", parameters=[CheckReportFilter]),
    post=extend_schema(
        summary="Report what a check outside Assent found", request=CheckReportIn, responses={201: CheckReportOut}
    ),
)
class ReportList(generics.ListCreateAPIView):
    """The checks that pipelines carried out on a version; POST reports one (`model:write`)."""

    serializer_class = CheckReportOut

    def get_queryset(self) -> QuerySet[ExternalCheck]:
        wanted = valid(CheckReportFilter, self.request.query_params.dict())
        version = get_version(self.request.user, self.kwargs["name"], self.kwargs["number"])
        rows = ExternalCheck.objects.filter(version=version).select_related("reporter").order_by("-id")
        if wanted["current"] is not None:
            rows = rows.filter(current=wanted["current"])
        return rows.filter(name=wanted["name"]) if "name" in wanted else rows

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        said = valid(CheckReportIn, request.data)
        user: Any = request.user
        version_id = _version_id(self.kwargs["name"], self.kwargs["number"])
        row = reporting.report(version_id, said.pop("name"), said.pop("outcome"), by=user, **said)
        return Response(CheckReportOut(row).data, status=status.HTTP_201_CREATED)


@extend_schema_view(
    get=extend_schema(summary="The waivers of a request, oldest first"),
    post=extend_schema(summary="Waive a check that does not pass", request=WaiverIn, responses={201: WaiverOut}),
)
class WaiverList(generics.ListCreateAPIView):
    """Who answers for which check of a request; POST waives one (`model:review`, not the requester)."""

    serializer_class = WaiverOut

    def get_queryset(self) -> QuerySet[Waiver]:
        valid(NoFilter, self.request.query_params.dict())
        request = queries.get_request(self.request.user, self.kwargs["id"])
        return request.waivers.select_related("waived_by").order_by("id")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        said = valid(WaiverIn, request.data)
        user: Any = request.user
        row = waivers.waive(self.kwargs["id"], said.pop("check"), by=user, **said)
        return Response(WaiverOut(row).data, status=status.HTTP_201_CREATED)


@extend_schema(summary="Revoke a waiver: the check counts again", request=RevokeIn)
class RevokeWaiver(generics.GenericAPIView):
    """Take a waiver back, with a reason."""

    serializer_class = WaiverOut

    def post(self, request: Request, id: int, waiver: int) -> Response:
        """Revoke it and answer with it as it is then."""
        user: Any = request.user
        row = waivers.revoke(id, waiver, by=user, **valid(RevokeIn, request.data))
        return Response(WaiverOut(row).data)


def _version_id(name: str, number: int) -> int:
    """Return the key of a living version for the service, which decides who may see it; 0 when there is none."""
    versions = ModelVersion.objects.filter(named(name, "model__"), model__deleted_at=None, number=number)
    return versions.values_list("pk", flat=True).first() or 0


urlpatterns = [
    path("models/<model:name>/versions/<int:number>/checks/", ReportList.as_view(), name="check-list"),
    path("requests/<int:id>/waivers/", WaiverList.as_view(), name="waiver-list"),
    path("requests/<int:id>/waivers/<int:waiver>/revoke/", RevokeWaiver.as_view(), name="waiver-revoke"),
]
