"""Notifications and outgoing webhooks over the API: the same services and queries as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.notifications import endpoints, preferences, queries, reading
from apps.notifications.models import Delivery, Notification
from apps.notifications.serializers import (
    DeliveryFilter,
    DeliveryOut,
    EndpointIn,
    NewWebhookOut,
    NotificationFilter,
    NotificationOut,
    PreferencesIn,
    PreferencesOut,
    ReadIn,
    ReadOut,
    ResentOut,
    Strict,
    TestOut,
    WebhookChangeIn,
    WebhookOut,
)
from apps.strict import valid

ONCE = {"Cache-Control": "no-store"}  # of answers that show a secret


@extend_schema_view(get=extend_schema(summary="List your notifications, unread first", parameters=[NotificationFilter]))
class NotificationList(generics.ListAPIView):
    """What the person is told of."""

    serializer_class = NotificationOut

    def get_queryset(self) -> QuerySet[Notification]:
        wanted = valid(NotificationFilter, self.request.query_params.dict())
        rows = queries.notifications_of(self.request.user)
        rows = rows.filter(read_at=None) if wanted["unread"] else rows
        return rows.filter(kind=wanted["kind"]) if "kind" in wanted else rows


class NotificationsRead(APIView):
    """Mark notifications as read."""

    @extend_schema(summary="Mark your notifications as read", request=ReadIn, responses=ReadOut)
    def post(self, request: Request) -> Response:
        marked = reading.mark_read(by=request.user, ids=valid(ReadIn, request.data).get("ids"))
        return Response(ReadOut({"marked": marked}).data)


class NotificationPreferences(APIView):
    """How the person hears of what happens."""

    @extend_schema(summary="Read how you are notified", responses=PreferencesOut)
    def get(self, request: Request) -> Response:
        valid(Strict, request.query_params.dict())
        user: Any = request.user
        return Response(PreferencesOut(preferences.of(user)).data)

    @extend_schema(summary="Choose how you are notified", request=PreferencesIn, responses=PreferencesOut)
    def patch(self, request: Request) -> Response:
        user: Any = request.user
        wanted = valid(PreferencesIn, request.data, partial=True)
        saved = preferences.set_preferences(by=user, **{**preferences.described(preferences.of(user)), **wanted})
        return Response(PreferencesOut(saved).data)


class _Managed(APIView):
    """For those who manage webhooks."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        valid(Strict, request.query_params.dict())


class WebhookList(_Managed):
    """Where events are sent."""

    @extend_schema(summary="List outgoing webhooks", responses=WebhookOut(many=True))
    def get(self, request: Request) -> Response:
        rows = list(queries.endpoints(request.user))
        return Response(WebhookOut(rows, many=True, context={"references": queries.references_of(rows)}).data)

    @extend_schema(summary="Add an outgoing webhook", request=EndpointIn, responses={201: NewWebhookOut})
    def post(self, request: Request) -> Response:
        user: Any = request.user
        endpoints.needs_permission(user)
        made = endpoints.add_endpoint(by=user, **valid(EndpointIn, request.data))
        shown = NewWebhookOut(made.endpoint, context={"secret": made.secret})
        return Response(shown.data, status=status.HTTP_201_CREATED, headers=ONCE)


class WebhookDetail(_Managed):
    """One webhook."""

    @extend_schema(summary="Read an outgoing webhook", responses=WebhookOut)
    def get(self, request: Request, endpoint: int) -> Response:
        return Response(WebhookOut(queries.get_endpoint(request.user, endpoint)).data)

    @extend_schema(summary="Change an outgoing webhook", request=WebhookChangeIn, responses=WebhookOut)
    def patch(self, request: Request, endpoint: int) -> Response:
        user: Any = request.user
        endpoints.needs_permission(user)
        endpoints.change_endpoint(endpoint, by=user, **valid(WebhookChangeIn, request.data, partial=True))
        return Response(WebhookOut(queries.get_endpoint(user, endpoint)).data)

    @extend_schema(summary="Remove an outgoing webhook", responses={204: None})
    def delete(self, request: Request, endpoint: int) -> Response:
        user: Any = request.user
        endpoints.remove_endpoint(endpoint, by=user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookTest(_Managed):
    """Try a webhook."""

    @extend_schema(summary="Send a test to a webhook now", request=None, responses=TestOut)
    def post(self, request: Request, endpoint: int) -> Response:
        user: Any = request.user
        return Response(TestOut(endpoints.test_endpoint(endpoint, by=user)).data)


class WebhookSecret(_Managed):
    """A webhook's secret."""

    @extend_schema(summary="Rotate the secret of a webhook", request=None, responses=NewWebhookOut)
    def post(self, request: Request, endpoint: int) -> Response:
        user: Any = request.user
        made = endpoints.rotate_secret(endpoint, by=user)
        found = queries.get_endpoint(user, endpoint)
        return Response(NewWebhookOut(found, context={"secret": made.secret}).data, headers=ONCE)


class WebhookResend(_Managed):
    """What was given up."""

    @extend_schema(summary="Send everything again that was given up", request=None, responses=ResentOut)
    def post(self, request: Request, endpoint: int) -> Response:
        user: Any = request.user
        return Response(ResentOut({"queued": endpoints.send_again(endpoint, by=user)}).data)


@extend_schema_view(
    get=extend_schema(summary="List deliveries of a webhook, newest first", parameters=[DeliveryFilter])
)
class DeliveryList(generics.ListAPIView):
    """What was sent, waits, or was given up."""

    serializer_class = DeliveryOut

    def get_queryset(self) -> QuerySet[Delivery]:
        wanted = valid(DeliveryFilter, self.request.query_params.dict())
        return queries.deliveries_of(self.request.user, self.kwargs["endpoint"], wanted.get("state", ""))


class DeliveryResend(_Managed):
    """A delivery that was given up."""

    @extend_schema(summary="Send a delivery again that was given up", request=None, responses=ResentOut)
    def post(self, request: Request, endpoint: int, delivery: int) -> Response:
        user: Any = request.user
        return Response(ResentOut({"queued": endpoints.send_again(endpoint, by=user, delivery=delivery)}).data)


urlpatterns = [
    path("notifications/", NotificationList.as_view(), name="notification-list"),
    path("notifications/read/", NotificationsRead.as_view(), name="notifications-read"),
    path("notifications/preferences/", NotificationPreferences.as_view(), name="notification-preferences"),
    path("webhooks/", WebhookList.as_view(), name="webhook-list"),
    path("webhooks/<int:endpoint>/", WebhookDetail.as_view(), name="webhook-detail"),
    path("webhooks/<int:endpoint>/test/", WebhookTest.as_view(), name="webhook-test"),
    path("webhooks/<int:endpoint>/secret/", WebhookSecret.as_view(), name="webhook-secret"),
    path("webhooks/<int:endpoint>/resend/", WebhookResend.as_view(), name="webhook-resend"),
    path("webhooks/<int:endpoint>/deliveries/", DeliveryList.as_view(), name="delivery-list"),
    path("webhooks/<int:endpoint>/deliveries/<int:delivery>/resend/", DeliveryResend.as_view(), name="delivery-resend"),
]
