"""The past as the API and the exports speak it."""

from typing import Any

from rest_framework import serializers

from apps.approvals.history.asking import STAGES
from apps.approvals.history.queries import Held
from apps.registry.models import PlacedBy
from apps.strict import Strict

MOST_ROWS = 200


class AsOfQuery(Strict):
    """What is asked of the past."""

    at = serializers.CharField(
        required=False, help_text="2026-05-03 or 2026-05-03T12:00, UTC unless it names a zone. Absent: now."
    )
    model = serializers.CharField(
        required=False, trim_whitespace=False, help_text="The exact name: then every stage and alias of that model."
    )
    stage = serializers.ChoiceField(choices=STAGES, required=False, help_text="Of all models: Production if absent.")
    cursor = serializers.CharField(required=False, help_text="From `next` or `previous`.")
    page_size = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=50)


class HeldOut(serializers.Serializer):
    """A version in a stage or under an alias at the moment asked for."""

    model = serializers.CharField(source="placement.version.model.reference")
    version = serializers.IntegerField(source="placement.version.number")
    target = serializers.CharField(source="placement.place", help_text="A stage, or an alias with its @.")
    since = serializers.DateTimeField(source="placement.since")
    at_latest = serializers.BooleanField(
        source="placement.at_latest", help_text="Assent found it so: it may have been so before `since`."
    )
    until = serializers.DateTimeField(source="placement.until", allow_null=True, help_text="Null: it is so now.")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        PlacedBy.choices, source="placement.source", help_text="Who brought it there."
    )
    request = serializers.IntegerField(
        source="request.pk", default=None, allow_null=True, help_text="The request that decided it; null: none did."
    )
    requested_by = serializers.CharField(source="request.requester.username", default=None, allow_null=True)
    approved_by = serializers.ListField(source="approvers", child=serializers.CharField())
    evidence_digest = serializers.CharField(allow_blank=True, help_text="SHA-256 of what was signed; may be empty.")
    deleted_at = serializers.SerializerMethodField(help_text="When it was found deleted in MLflow; null: it is there.")

    def get_deleted_at(self, held: Held) -> Any:
        version = held.placement.version
        return version.deleted_at or version.model.deleted_at


class AsOfOut(serializers.Serializer):
    """What was so at a moment."""

    at = serializers.DateTimeField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = HeldOut(many=True)
