"""The trail over the API: read only."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import ValidationError

from apps.audit import queries
from apps.audit.access import api as access
from apps.audit.actions import Action, Outcome, Source
from apps.audit.event_types import EventType
from apps.audit.models import AuditEvent
from apps.audit.proof import api as proof

PAGING = {"page", "page_size"}
LARGEST_ID = 2**63 - 1


class EventFilterIn(serializers.Serializer):
    """Which events to list. Days are whole days in UTC, both included."""

    action = serializers.ChoiceField(Action.choices, required=False)
    actor = serializers.CharField(required=False, help_text="The user name, or system:<part>.")
    model_id = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    outcome = serializers.ChoiceField(Outcome.choices, required=False)
    since = serializers.DateField(required=False)
    source = serializers.ChoiceField(Source.choices, required=False)  # type: ignore[assignment]
    target = serializers.CharField(required=False, trim_whitespace=False, help_text="Text in the target's name.")
    until = serializers.DateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = set(self.initial_data) - set(self.fields) - PAGING
        if unknown:
            raise ValidationError({name: ["Unknown parameter."] for name in sorted(unknown)})
        if attrs.get("since") and attrs.get("until") and attrs["since"] > attrs["until"]:
            raise ValidationError({"until": ["The last day is before the first. Swap the two."]})
        return attrs


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


class EventList(generics.ListAPIView):
    """The events that you may read, newest first."""

    serializer_class = EventOut

    @extend_schema(summary="List events, newest first", parameters=[EventFilterIn])
    def get(self, *args: Any, **kwargs: Any) -> Any:
        return super().get(*args, **kwargs)

    def get_queryset(self) -> QuerySet[AuditEvent]:
        wanted = EventFilterIn(data=self.request.query_params.dict())
        wanted.is_valid(raise_exception=True)
        return queries.filtered(queries.visible_events(self.request.user), wanted.validated_data)


class EventDetail(generics.RetrieveAPIView):
    """One event."""

    serializer_class = EventOut

    @extend_schema(summary="Read one event")
    def get(self, *args: Any, **kwargs: Any) -> Any:
        return super().get(*args, **kwargs)

    def get_object(self) -> AuditEvent:
        return queries.get_event(self.request.user, min(self.kwargs["number"], LARGEST_ID))


urlpatterns = [
    path("audit/events/", EventList.as_view(), name="event-list"),
    path("audit/events/<int:number>/", EventDetail.as_view(), name="event-detail"),
    *proof.urlpatterns,
    *access.urlpatterns,
]
