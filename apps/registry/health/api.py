"""Syncs over the API: the same queries and services as the page."""

from dataclasses import asdict
from typing import Any

from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_202_ACCEPTED
from rest_framework.views import APIView

from apps.accounts import grants
from apps.accounts.permissions import Permission
from apps.errors import NotAllowed, NotVisible
from apps.registry import services
from apps.registry.freshness import sync_status
from apps.registry.health import queries
from apps.registry.health.serializers import SyncIn, SyncRequestedOut, SyncRunOut, SyncStatusOut
from apps.registry.models import DEFAULT_CONNECTION, SyncRun
from apps.registry.serializers import NoQuery


class Sync(APIView):
    """How fresh the mirror is; POST asks for a sync now."""

    @extend_schema(summary="Read how fresh the mirror is", responses=SyncStatusOut)
    def get(self, request: Request) -> Response:
        NoQuery(data=request.query_params.dict()).is_valid(raise_exception=True)
        rows = queries.health() if grants.allows(request.user, Permission.SYNC_RUN) else []
        status = asdict(sync_status(DEFAULT_CONNECTION))
        status["last_error"] = queries.error_for(request.user, status["last_error"])
        return Response(SyncStatusOut({**status, "connections": rows}).data)

    @extend_schema(summary="Ask for a sync now", request=SyncIn, responses={202: SyncRequestedOut})
    def post(self, request: Request) -> Response:
        asked = SyncIn(data=request.data)
        asked.is_valid(raise_exception=True)
        user: Any = request.user
        job = services.request_sync(by=user, connection=asked.validated_data.get("connection"))
        return Response(SyncRequestedOut(job).data, status=HTTP_202_ACCEPTED)


class SyncRunDetail(APIView):
    """One sync."""

    @extend_schema(summary="Read how a sync goes", responses=SyncRunOut)
    def get(self, request: Request, run: int) -> Response:
        NoQuery(data=request.query_params.dict()).is_valid(raise_exception=True)
        if not grants.allows(request.user, Permission.SYNC_RUN):
            raise NotAllowed(_("Only those who run syncs see how one went: it counts models that others may not see."))
        found = SyncRun.objects.filter(pk=run).first() if run < 2**63 else None
        if found is None:
            raise NotVisible(_("There is no such sync."))
        return Response(SyncRunOut(found).data)


class SyncCancel(APIView):
    """Stop a sync."""

    @extend_schema(summary="Cancel a running sync", request=None, responses=SyncRunOut)
    def post(self, request: Request, run: int) -> Response:
        user: Any = request.user
        return Response(SyncRunOut(services.cancel_sync(run, by=user)).data)


urlpatterns = [
    path("sync/", Sync.as_view(), name="sync"),
    path("sync/runs/<int:run>/", SyncRunDetail.as_view(), name="sync-run"),
    path("sync/runs/<int:run>/cancel/", SyncCancel.as_view(), name="sync-cancel"),
]
