"""The JSON Schema of cards, as the API publishes it."""

import json

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.modelcards.schema.json_schema import json_schema

CONTENT_TYPE = "application/schema+json"


class CardSchemaView(APIView):
    """The JSON Schema of a card's document: the same for everybody, made from the table of fields."""

    @extend_schema(
        summary="JSON Schema of a model card", responses={(200, CONTENT_TYPE): OpenApiTypes.OBJECT}
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        body = json.dumps(json_schema(request.build_absolute_uri(request.path)), ensure_ascii=False, indent=1)
        return HttpResponse(body, content_type=CONTENT_TYPE)
