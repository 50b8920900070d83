"""Syncs and the health of connections in the API."""

from typing import Any

from rest_framework import serializers

from apps.masking import masked
from apps.registry.health.queries import ConnectionHealth
from apps.registry.models import SyncRun
from apps.strict import Strict

STATES = ["good", "failing", "never", "disabled"]


class SyncRunOut(serializers.ModelSerializer):
    """One sync."""

    connection = serializers.CharField(source="connection_id")

    class Meta:
        model = SyncRun
        fields = (
            "id", "connection", "kind", "state", "requested_by", "cancelled_by", "started_at", "finished_at", "done",
            "total", "note", "counts", "error",
        )  # fmt: skip

    def to_representation(self, instance: SyncRun) -> dict[str, Any]:
        return masked(super().to_representation(instance))


class RefusalOut(serializers.Serializer):
    """Deliveries of the last day that were refused for one reason."""

    reason = serializers.CharField()
    count = serializers.IntegerField()
    last_at = serializers.DateTimeField()
    last_address = serializers.CharField()


class ConnectionHealthOut(serializers.Serializer):
    """How one connection fares."""

    connection = serializers.CharField(source="connection.name")
    state = serializers.ChoiceField(STATES)
    last_success = serializers.DateTimeField(source="last_good.finished_at", default=None, allow_null=True)
    last_success_kind = serializers.CharField(source="last_good.kind", default=None, allow_null=True)
    changes_as_of = serializers.DateTimeField(source="as_of", allow_null=True, help_text="Changes until then are in.")
    complete_as_of = serializers.DateTimeField(allow_null=True, help_text="So are tags, aliases and deletions.")
    failing_since = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_blank=True)
    named_error = serializers.CharField(
        allow_blank=True, help_text="Why models that MLflow named could not be read; empty: they could."
    )
    models_per_second = serializers.FloatField(allow_null=True, help_text="Of the last complete pass.")
    calls = serializers.IntegerField(allow_null=True, help_text="To MLflow, in the last good pass.")
    running = SyncRunOut(allow_null=True)
    backlog = serializers.SerializerMethodField(
        help_text="What waits: details, touched models (unanswered: of these, not told when asked), shards."
    )
    webhook = serializers.SerializerMethodField()

    def get_backlog(self, row: ConnectionHealth) -> dict[str, int]:
        waiting = {"details": row.details_due, "touched": row.touched, "shards": row.shards}
        return {**waiting, "unanswered": row.unanswered}

    def get_webhook(self, row: ConnectionHealth) -> dict[str, Any]:
        return {
            "registered": bool(row.connection.webhook_id),
            "deliveries_last_day": row.deliveries,
            "last_delivery": row.last_delivery,
            "refused_last_day": RefusalOut(row.refusals, many=True).data,
        }


class SyncStatusOut(serializers.Serializer):
    """How fresh the mirror of the default connection is, and how every connection fares."""

    last_success = serializers.DateTimeField(allow_null=True, help_text="Null: never synced yet.")
    failing_since = serializers.DateTimeField(allow_null=True, help_text="Null: the last sync was good.")
    last_error = serializers.CharField(
        allow_blank=True,
        help_text="The reason, for those who run syncs or manage connections; else that it failed.",
    )
    running = serializers.BooleanField()
    connections = ConnectionHealthOut(many=True, help_text="Empty for those who may not run syncs.")


class SyncIn(Strict):
    """Which connection to sync."""

    connection = serializers.CharField(required=False, help_text="Its name; all when left out.")


class SyncRequestedOut(serializers.Serializer):
    """The job that will sync."""

    job = serializers.IntegerField(source="pk")
    state = serializers.CharField()
