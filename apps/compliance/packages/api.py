"""Evidence packages over the API: the same services as the page."""

from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.compliance.packages import services
from apps.compliance.packages.views import as_file
from apps.compliance.packages.zipping import Package
from apps.strict import Strict, valid


class FormIn(Strict):
    """As what it is wanted."""

    format = serializers.ChoiceField(
        [(form.value, form.value) for form in services.Form], default="zip", help_text="pdf: to read and print."
    )


class BuildingOut(serializers.Serializer):
    """A worker puts it together: send the same again in a minute."""

    state = serializers.CharField()


ANSWERS: Any = {
    (200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, description="The package."),
    (200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY, description="The same to read and print."),
    202: BuildingOut,
}


@extend_schema(summary="The evidence package of a version", request=FormIn, responses=ANSWERS)
class VersionEvidence(APIView):
    """How a version was decided, as a ZIP. The same facts are the same bytes; each copy is recorded."""

    def post(self, request: Request, name: str, number: int) -> HttpResponse:
        """Answer with the ZIP, or with 202 where a worker has to build it first."""
        user: Any = request.user
        return _answer(services.export_version(name, number, by=user, form=_form(request)))


@extend_schema(summary="The evidence package of a request", request=FormIn, responses=ANSWERS)
class RequestEvidence(APIView):
    """The same about one request."""

    def post(self, request: Request, id: int) -> HttpResponse:
        """Answer with the ZIP, or with 202 where a worker has to build it first."""
        user: Any = request.user
        return _answer(services.export_request(id, by=user, form=_form(request)))


def _form(request: Request) -> services.Form:
    return services.Form(valid(FormIn, request.data)["format"])


def _answer(found: Package | None) -> HttpResponse:
    return as_file(found) if found else Response(BuildingOut({"state": "building"}).data, status=202)


urlpatterns = [
    path("models/<model:name>/versions/<int:number>/evidence/", VersionEvidence.as_view(), name="version-evidence"),
    path("requests/<int:id>/evidence/", RequestEvidence.as_view(), name="request-evidence"),
]
