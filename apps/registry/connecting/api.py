"""Connections over the API: the same services as the pages."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.registry import connections
from apps.registry.connecting import probing, services
from apps.registry.connecting.serializers import (
    ConnectionChangeIn,
    ConnectionOut,
    NewConnectionIn,
    ProbeOut,
    Strict,
    WebhookIn,
    WebhookRemovedOut,
)
from apps.registry.models import Connection
from apps.registry.webhooks import registering


def valid(serializer: type[Strict], data: Any, *, partial: bool = False) -> dict[str, Any]:
    """Return the parsed input. Raises a validation error that names each field at fault."""
    parsed = serializer(data=data, partial=partial)
    parsed.is_valid(raise_exception=True)
    return parsed.validated_data


class _Managed(APIView):
    """For those who manage connections; to others each name is the same."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        services.needs_permission(request.user)
        valid(Strict, request.query_params.dict())


class ConnectionList(_Managed):
    """The MLflow servers that Assent knows."""

    @extend_schema(summary="List connections to MLflow", responses=ConnectionOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(ConnectionOut(Connection.objects.order_by("pk"), many=True).data)

    @extend_schema(summary="Add a connection to MLflow", request=NewConnectionIn, responses={201: ConnectionOut})
    def post(self, request: Request) -> Response:
        user: Any = request.user
        made = services.create_connection(by=user, **valid(NewConnectionIn, request.data))
        return Response(ConnectionOut(made).data, status=status.HTTP_201_CREATED)


class ConnectionDetail(_Managed):
    """One connection."""

    @extend_schema(summary="Read a connection to MLflow", responses=ConnectionOut)
    def get(self, request: Request, connection: str) -> Response:
        return Response(ConnectionOut(connections.get(connection)).data)

    @extend_schema(summary="Change a connection to MLflow", request=ConnectionChangeIn, responses=ConnectionOut)
    def patch(self, request: Request, connection: str) -> Response:
        user: Any = request.user
        wanted = valid(ConnectionChangeIn, request.data, partial=True)
        return Response(ConnectionOut(services.change_connection(connection, by=user, **wanted)).data)


class ConnectionTest(_Managed):
    """Try a connection."""

    @extend_schema(summary="Test a connection to MLflow now", request=None, responses=ProbeOut)
    def post(self, request: Request, connection: str) -> Response:
        return Response(ProbeOut(probing.test_connection(connection, by=request.user)).data)


class ConnectionWebhook(_Managed):
    """The webhook by which MLflow tells of changes."""

    @extend_schema(summary="Register Assent's webhook with MLflow", request=WebhookIn, responses={201: ConnectionOut})
    def post(self, request: Request, connection: str) -> Response:
        user: Any = request.user
        made = registering.register(connection, by=user, url=valid(WebhookIn, request.data)["url"])
        return Response(ConnectionOut(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Remove Assent's webhook from MLflow", request=None, responses={200: WebhookRemovedOut})
    def delete(self, request: Request, connection: str) -> Response:
        user: Any = request.user
        return Response({"problem": registering.remove(connection, by=user)})


urlpatterns = [
    path("connections/", ConnectionList.as_view(), name="connection-list"),
    path("connections/<slug:connection>/", ConnectionDetail.as_view(), name="connection-detail"),
    path("connections/<slug:connection>/test/", ConnectionTest.as_view(), name="connection-test"),
    path("connections/<slug:connection>/webhook/", ConnectionWebhook.as_view(), name="connection-webhook"),
]
