"""Connections in the API: no secret is ever answered."""

from typing import Any

from rest_framework import serializers

from apps.registry.connecting.pages import shown_address
from apps.registry.connecting.services import revision_of
from apps.registry.models import Connection, ConnectionAuth
from apps.strict import Strict


class ConnectionIn(Strict):
    """The settings of a connection."""

    url = serializers.CharField(help_text="http or https, without credentials.")
    auth = serializers.ChoiceField(ConnectionAuth.choices, default=ConnectionAuth.NONE)
    username = serializers.CharField(default="", allow_blank=True, help_text="With auth `password`.")
    secret = serializers.CharField(
        default="", allow_blank=True, trim_whitespace=False, write_only=True, help_text="Token or password."
    )
    verify_tls = serializers.BooleanField(default=True)
    ca_certificates = serializers.CharField(default="", allow_blank=True, help_text="PEM, besides the system's.")
    timeout_seconds = serializers.FloatField(default=10.0, help_text="Of each call, 1 to 120.")
    public_url = serializers.CharField(default="", allow_blank=True, help_text="Where browsers reach MLflow's pages.")


class NewConnectionIn(ConnectionIn):
    """A connection that is not there yet."""

    name = serializers.CharField(help_text="Small letters, digits and hyphens; never changes.")


class ConnectionChangeIn(ConnectionIn):
    """What is to change; what is left out stays. A new address needs the secret again."""

    enabled = serializers.BooleanField(help_text="Whether it is mirrored.")
    revision = serializers.CharField(help_text="Optional: the revision that you read; refused when it is an old one.")


class WebhookIn(Strict):
    """Where MLflow is to deliver."""

    url = serializers.CharField(default="", allow_blank=True, help_text="Empty: made from ASSENT_WEBHOOK_URL.")


class ConnectionOut(serializers.ModelSerializer):
    """A connection. The one named `default` is described by the environment."""

    url = serializers.SerializerMethodField()
    secret_set_at = serializers.DateTimeField(source="secret_at", allow_null=True, help_text="Null: there is none.")
    revision = serializers.SerializerMethodField()
    webhook = serializers.SerializerMethodField(help_text="Null: none is registered.")

    class Meta:
        model = Connection
        fields = (
            "name", "url", "auth", "username", "secret_set_at", "verify_tls", "ca_certificates", "timeout_seconds",
            "public_url", "enabled", "created_at", "created_by", "revision", "webhook",
        )  # fmt: skip

    def get_url(self, connection: Connection) -> str:
        return shown_address(connection)

    def get_revision(self, connection: Connection) -> str:
        return revision_of(connection)

    def get_webhook(self, connection: Connection) -> dict[str, Any] | None:
        if not connection.webhook_id:
            return None
        return {
            "url": connection.webhook_url,
            "registered_at": connection.webhook_at,
            "registered_by": connection.webhook_by,
        }


class ProbeOut(serializers.Serializer):
    """How a test went."""

    ok = serializers.BooleanField()
    detail = serializers.CharField(source="sentence")
    version = serializers.CharField(help_text="MLflow's; empty when unknown.")
    seconds = serializers.FloatField()


class WebhookRemovedOut(serializers.Serializer):
    """The webhook is removed here."""

    problem = serializers.CharField(help_text="Why MLflow could not be told; empty when it was.")
