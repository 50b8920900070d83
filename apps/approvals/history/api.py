"""The past over the API: the same queries as the pages."""

from datetime import datetime
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.approvals.history import queries
from apps.approvals.history.asking import moment
from apps.approvals.history.serializers import AsOfOut, AsOfQuery
from apps.registry.models import Stage
from apps.strict import valid


class AsOf(APIView):
    """What was in which stage, and under which alias, at a moment, and who decided it.

    With `model` everything of that model, on one page; without it every model's version in a stage.
    """

    @extend_schema(
        operation_id="as_of", summary="What was in Production then?", parameters=[AsOfQuery], responses=AsOfOut,
        tags=["as-of"],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Answer from what was kept at the time."""
        asked = valid(AsOfQuery, request.query_params.dict())
        at = moment(asked["at"], field="at") if "at" in asked else timezone.now()
        if "model" in asked:
            page = _of_model(request, asked, at)
        else:
            stage = asked.get("stage", Stage.PRODUCTION.value)
            page = queries.page_of(request.user, stage, at, asked["page_size"], asked.get("cursor", ""))
        links = {"next": _link(request, at, page.next), "previous": _link(request, at, page.previous)}
        return Response(AsOfOut({"at": at, "results": page.rows, **links}).data)


def _of_model(request: Request, asked: dict[str, Any], at: datetime) -> queries.HeldPage:
    rows = queries.of_model(queries.model_at(request.user, asked["model"], at), at)
    if "stage" in asked:
        rows = [row for row in rows if row.placement.stage == asked["stage"]]
    return queries.HeldPage(rows, "", "")


def _link(request: Request, at: datetime, cursor: str) -> str | None:
    """Return the address of another page of the same moment."""
    if not cursor:
        return None
    params = request.query_params.copy()
    params["cursor"], params["at"] = cursor, at.isoformat().replace("+00:00", "Z")
    return request.build_absolute_uri(f"{request.path}?{params.urlencode()}")


urlpatterns = [path("as-of/", AsOf.as_view(), name="as-of")]
