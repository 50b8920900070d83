"""The gate over the API: one question, one answer, with an ETag so that asking again costs next to nothing."""

import hashlib
import json

from django.http import HttpResponseBase
from django.urls import path
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.approvals.gate.deciding import Target, decide
from apps.approvals.gate.serializers import GateOut, GateQuery, as_data
from apps.registry import queries
from apps.strict import valid


class Gate(APIView):
    """Whether a version may be used for a stage or an alias.

    The answer is 200 for allow and for deny; 404 when there is no such version, or you may not see it. It is decided
    from what is stored: MLflow is not asked. Send the ETag of the last answer as If-None-Match: 304 says that nothing
    has changed.
    """

    @extend_schema(
        operation_id="gate_read",
        summary="May this version be used?",
        parameters=[GateQuery],
        responses={200: GateOut, 304: OpenApiResponse(description="Nothing changed since the answer with this ETag.")},
        tags=["gate"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Decide."""
        asked = valid(GateQuery, request.query_params.dict())
        target = Target.of(asked["target"])
        version = queries.get_version(request.user, asked["model"], asked["version"])
        decision = decide(version, target, timezone.now(), approved_is_enough=asked["accept"] == "approved")
        data = as_data(decision, version.model.reference, version.number, target, request.build_absolute_uri)
        response = Response(GateOut(data).data)
        etag = f'"{hashlib.sha256(json.dumps(response.data, sort_keys=True).encode()).hexdigest()}"'
        response["ETag"], response["Cache-Control"] = etag, "private, no-cache"
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return get_conditional_response(request._request, etag=etag, response=response) or response


class _GateWithoutSlash(Gate):
    """The same under the address that people type."""

    schema = None


urlpatterns = [
    path("gate", _GateWithoutSlash.as_view(), name="gate"),
    path("gate/", Gate.as_view(), name="gate"),
]
