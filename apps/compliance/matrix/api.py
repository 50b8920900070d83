"""The matrix over the API: the same queries as the page."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.approvals.history.asking import moment
from apps.compliance.controls.outcomes import Outcome
from apps.compliance.matrix import queries
from apps.compliance.matrix.serializers import CountingOut, CountOut, MatrixOut, MatrixQuery
from apps.strict import valid


class Matrix(APIView):
    """How each model that you may read stands to each control, now or at a moment."""

    @extend_schema(
        operation_id="compliance_matrix", summary="Models × controls", parameters=[MatrixQuery], responses=MatrixOut,
        tags=["compliance"],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Answer with a page of models by name."""
        asked = valid(MatrixQuery, request.query_params.dict())
        wanted = _wanted(asked)
        page = queries.page_of(request.user, wanted, timezone.now(), asked["page_size"], asked.get("cursor", ""))
        links = {"next": _link(request, wanted, page.next), "previous": _link(request, wanted, page.previous)}
        return Response(MatrixOut({"at": wanted.at, "results": page.rows, "looked_at": page.looked_at, **links}).data)


class Counts(APIView):
    """How many models that you may read stand how to each control.

    Every one of them is judged for it, more than 500 by a worker: see `judged_at`.
    """

    @extend_schema(
        operation_id="compliance_counts", summary="Count models by control and outcome", parameters=[MatrixQuery],
        responses={200: CountOut(many=True), 202: CountingOut}, tags=["compliance"],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Answer with one line for each control that is on, or with 202 while a worker judges many models."""
        wanted = _wanted(valid(MatrixQuery, request.query_params.dict()))
        found = queries.counts(request.user, wanted, timezone.now(), asked=True)
        if found.of is None:
            return Response(CountingOut({"state": found.state}).data, status=202)
        return Response(
            [
                {
                    "control": column.control.name,
                    **{outcome.value: counter[outcome] for outcome in Outcome},
                    "judged_at": found.judged_at,
                }
                for column, counter in found.of
            ]
        )


def _wanted(asked: dict[str, Any]) -> queries.Wanted:
    at = moment(asked["at"], field="at") if "at" in asked else None
    return queries.Wanted(at=at, **{name: asked.get(name, "") for name in ("q", "risk", "control", "outcome")})


def _link(request: Request, wanted: queries.Wanted, cursor: str) -> str | None:
    """Return the address of another page of the same list."""
    if not cursor:
        return None
    params = request.query_params.copy()
    params["cursor"] = cursor
    if wanted.at:
        params["at"] = wanted.at.isoformat().replace("+00:00", "Z")
    return request.build_absolute_uri(f"{request.path}?{params.urlencode()}")


urlpatterns = [
    path("compliance/", Matrix.as_view(), name="compliance-matrix"),
    path("compliance/counts/", Counts.as_view(), name="compliance-counts"),
]
