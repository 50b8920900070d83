"""The trail over the API: read only, with the names of the page."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.audit import exporting, filters, moments, queries
from apps.audit.access import api as access
from apps.audit.actions import Action, Outcome, Source
from apps.audit.bounded import TookTooLongError, at_most
from apps.audit.event_types import EventType
from apps.audit.models import AuditEvent
from apps.audit.proof import api as proof
from apps.audit.searching import ROWS, search
from apps.audit.views import file
from apps.errors import InvalidInput

BY_NUMBER_SECONDS = 0.075  # for each of two questions: how many events fit, and the page
TOO_MANY_TO_COUNT = _(
    "So many events were looked at that counting them was given up. Leave out page and follow next, or ask for fewer, "
    "such as with since."
)
LARGEST_ID = 2**63 - 1
MOST_ROWS = 200
LONGEST = 41  # letters of a moment, and one more
NUMBER: dict[str, Any] = {"required": False, "min_value": 1, "max_value": LARGEST_ID}


@extend_schema_field(OpenApiTypes.STR)
class MomentIn(serializers.Field):
    """A moment, as `moments.read` reads it; a day alone is its beginning, or its `end`."""

    def __init__(self, *, end: bool = False, **more: Any) -> None:
        super().__init__(required=False, **more)
        self.end = end

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return moments.read(str(data)[:LONGEST], end=self.end)
        except InvalidInput as error:
            raise ValidationError(error.message) from error


class EventFilterIn(serializers.Serializer):
    """Which events to list. All that is given must hold; several actions: one of them."""

    action = serializers.MultipleChoiceField(choices=Action.choices, required=False, help_text="Repeat it for several.")
    actor = serializers.CharField(required=False, help_text="The user name, or system:<part>.")
    address = serializers.CharField(required=False, max_length=45, help_text="The client's, exactly.")
    model = serializers.CharField(required=False, trim_whitespace=False, help_text="The exact name of a model.")
    model_id = serializers.IntegerField(**NUMBER)
    outcome = serializers.ChoiceField(Outcome.choices, required=False)
    event_type = serializers.ChoiceField(EventType.choices, required=False)
    request_id = serializers.CharField(required=False, max_length=36, help_text="As in X-Request-ID.")
    since = MomentIn(help_text="2026-05-03, 2026-05-03T12:00 (UTC unless it names a zone), or 24h, 7d ago.")
    source = serializers.ChoiceField(Source.choices, required=False)  # type: ignore[assignment]
    target = serializers.CharField(required=False, trim_whitespace=False, help_text="Text in the target's name.")
    target_type = serializers.CharField(required=False, max_length=30, help_text="request, version, person …")
    until = MomentIn(end=True, help_text="Likewise; a day means until its end.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(self.initial_data) - set(self.fields):
            raise ValidationError({name: ["Unknown parameter."] for name in sorted(unknown)})
        try:
            filters.in_order(attrs)
            return filters.with_model(attrs, self.context["user"])
        except InvalidInput as error:
            raise ValidationError({str(error.field): [error.message]}) from error


class EventListIn(EventFilterIn):
    """Which events, and which page of them."""

    before = serializers.IntegerField(help_text="Events older than this number.", **NUMBER)
    after = serializers.IntegerField(
        required=False, min_value=0, max_value=LARGEST_ID, help_text="The next newer ones than this number."
    )
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=MOST_ROWS, help_text="50 by default.")
    page = serializers.CharField(
        required=False,
        help_text="Counts all and goes by page number; refused where that is slow. Follow `next`.",
    )


class EventOut(serializers.ModelSerializer):
    """One event, with the hashes that chain it to the one before."""

    event_type = serializers.ChoiceField(EventType.choices, read_only=True, allow_blank=True)

    class Meta:
        model = AuditEvent
        fields = (
            "id", "at", "action", "event_type", "outcome", "source", "actor", "actor_role", "on_behalf_of", "model_id",
            "target_type", "target", "reason", "data", "evidence_digest", "request_id", "address", "token_prefix",
            "token_name", "previous_hash", "hash",
        )  # fmt: skip


class EventPageOut(serializers.Serializer):
    """A page of events, newest first."""

    count = serializers.IntegerField(
        allow_null=True, help_text="How many fit, where all of them are on this page or `page` was given; else null."
    )
    next = serializers.URLField(allow_null=True, help_text="The older ones.")
    previous = serializers.URLField(allow_null=True, help_text="The newer ones.")
    looked_to = serializers.IntegerField(
        allow_null=True,
        help_text="Not null: what was asked for is rare, and the search stopped at this number; `next` goes on there.",
    )
    results = EventOut(many=True)


class EventList(generics.GenericAPIView):
    """The events that you may read, newest first."""

    serializer_class = EventOut

    @extend_schema(
        operation_id="audit_events_list",
        summary="List events, newest first",
        parameters=[EventListIn],
        responses=EventPageOut,
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = asked(request, EventListIn)
        if "page" in values:
            return self._by_number(values)
        before, after, rows = values.get("before"), values.get("after"), values.get("page_size", ROWS)
        found = search(request.user, values, before=before, after=after, rows=rows)
        whole = before is None and after is None and found.older is None
        body = {
            "count": len(found.events) if whole else None,
            "next": _link(request, before=found.older),
            "previous": _link(request, after=found.newer),
            "looked_to": found.looked_to,
            "results": EventOut(found.events, many=True).data,
        }
        return Response(body)

    def _by_number(self, values: dict[str, Any]) -> Response:
        """Answer `page`, as before there was `next` by place. Raises InvalidInput where counting takes too long."""
        events = queries.filtered(queries.visible_events(self.request.user), values)
        try:
            with at_most(BY_NUMBER_SECONDS):
                rows = EventOut(self.paginate_queryset(events), many=True).data
        except TookTooLongError as error:
            raise InvalidInput(str(TOO_MANY_TO_COUNT), field="page") from error
        return Response({**self.get_paginated_response(rows).data, "looked_to": None})

    def get_queryset(self) -> QuerySet[AuditEvent]:
        """For the schema alone."""
        return AuditEvent.objects.none()


def asked(request: Request, serializer: type[EventFilterIn]) -> dict[str, Any]:
    """Return what the query of an address asks for. Raises a validation error that names each parameter at fault."""
    given = request.query_params
    data: dict[str, Any] = given.dict()
    if "action" in data:
        data["action"] = given.getlist("action")
    wanted = serializer(data=data, context={"user": request.user})
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)


def _link(request: Request, **place: int | None) -> str | None:
    """Return the address of the page from a place on; None where there is none."""
    if None in place.values():
        return None
    params = request.query_params.copy()
    for name in ("before", "after"):
        params.pop(name, None)
    for name, number in place.items():
        params[name] = str(number)
    return request.build_absolute_uri(f"{request.path}?{params.urlencode()}")


class EventDetail(generics.RetrieveAPIView):
    """One event."""

    serializer_class = EventOut

    @extend_schema(summary="Read one event")
    def get(self, *args: Any, **kwargs: Any) -> Any:
        return super().get(*args, **kwargs)

    def get_object(self) -> AuditEvent:
        return queries.get_event(self.request.user, min(self.kwargs["number"], LARGEST_ID))


class AsLines(JSONRenderer):
    """What a client may accept; errors are problem details as everywhere."""

    media_type, format = "application/jsonl", "jsonl"


class AsTable(JSONRenderer):
    """Likewise."""

    media_type, format = "text/csv", "csv"


class ExportLines(APIView):
    """The events that fit, oldest first, each sealed as in the trail; the last line is a manifest."""

    renderer_classes: tuple[type[JSONRenderer], ...] = (AsLines, JSONRenderer)
    form = "jsonl"

    @extend_schema(
        summary="Export events", parameters=[EventFilterIn], responses={(200, "application/jsonl"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Stream the file. That it was asked for, and how much was sent, is recorded."""
        values = asked(request, EventFilterIn)
        chosen = filters.as_data(request.query_params)
        return file(exporting.export(values, chosen, by=request.user, form=self.form), self.form)


class ExportTable(ExportLines):
    """The events that fit as a table, for spreadsheets; the last line is the manifest."""

    renderer_classes = (AsTable, JSONRenderer)
    form = "csv"

    @extend_schema(
        summary="Export events as a table",
        parameters=[EventFilterIn],
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


urlpatterns = [
    path("audit/events/", EventList.as_view(), name="event-list"),
    path("audit/events/<int:number>/", EventDetail.as_view(), name="event-detail"),
    *proof.urlpatterns,
    *access.urlpatterns,
    path("audit/export.jsonl", ExportLines.as_view(), name="audit-export-jsonl"),
    path("audit/export.csv", ExportTable.as_view(), name="audit-export-csv"),
]
