"""The way of MLflow's clients to the gateway, past everything that is for browsers and for Assent's own API."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.gateway.routes import is_door
from apps.gateway.views import door

View = Callable[[HttpRequest], HttpResponseBase]


class GatewayMiddleware:
    """Answers MLflow's clients; everything else goes on."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_door(request.path):
            return self.get_response(request)
        request_id = str(uuid.uuid4())
        with came_through(Origin(Source.GATEWAY, request_id, request.META.get("REMOTE_ADDR", ""))):
            response = door(request)
        response["X-Request-ID"] = request_id
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, no-cache"
        return response
