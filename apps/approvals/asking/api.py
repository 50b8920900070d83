"""Drafts, and many requests at once, over the API: the same services as the pages."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import bulk
from apps.approvals.asking.serializers import BulkIn, BulkReviewIn, ResultsOut
from apps.approvals.bulk import Asked
from apps.approvals.signing import Signing
from apps.registry.connections import named
from apps.registry.models import ModelVersion
from apps.strict import valid


def version_id(name: str, number: int) -> int:
    """Return the key of a version for the service, which decides who may see it; 0 when there is none."""
    versions = ModelVersion.objects.filter(named(name, "model__"), model__deleted_at=None, number=number)
    return versions.values_list("pk", flat=True).first() or 0


class BulkRequest(generics.GenericAPIView):
    """Many requests in one call; one that is refused does not stop the others."""

    serializer_class = ResultsOut

    @extend_schema(summary="Ask for many promotions at once", request=BulkIn)
    def post(self, request: Request) -> Response:
        """Open a request for each item, in their order, and answer with how each ended."""
        items = valid(BulkIn, request.data)["requests"]
        user: Any = request.user
        results = bulk.bulk_submit([_asked(item) for item in items], by=user)
        return Response(ResultsOut({"results": results}).data)


class BulkReview(generics.GenericAPIView):
    """Many signatures in one call, with one password."""

    serializer_class = ResultsOut

    @extend_schema(summary="Review many requests at once", request=BulkReviewIn)
    def post(self, request: Request) -> Response:
        """Review each request by itself, and answer with how each ended."""
        said = valid(BulkReviewIn, request.data)
        user: Any = request.user
        signing = Signing(said["meaning"], said["password"], said["on_behalf_of"])
        items = [(item["request"], item["evidence_digest"]) for item in said["items"]]
        results = bulk.bulk_act(items, said["verdict"], by=user, comment=said["comment"], signing=signing)
        return Response(ResultsOut({"results": results}).data)


def _asked(item: dict[str, Any]) -> Asked:
    values = dict(item)
    values.pop("follows", None)
    return Asked(version_id(values.pop("model"), values.pop("version")), **values)


urlpatterns = [
    path("requests/bulk/", BulkRequest.as_view(), name="request-bulk"),
    path("requests/bulk-review/", BulkReview.as_view(), name="request-bulk-review"),
]
