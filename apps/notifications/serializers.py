"""Notifications and webhooks in the API: a secret is answered once, when it is made."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.notifications import preferences
from apps.notifications.models import Delivery, DeliveryState, Endpoint, Kind, MailChoice, Notification, Preferences
from apps.notifications.queries import references_of
from apps.strict import Strict

MAIL = {"type": "object", "additionalProperties": {"type": "string", "enum": MailChoice.values}}


class NotificationFilter(Strict):
    """Which notifications to list."""

    unread = serializers.BooleanField(required=False, default=False, help_text="Only those not read yet.")
    kind = serializers.ChoiceField(Kind.choices, required=False)


class DeliveryFilter(Strict):
    """Which deliveries to list."""

    state = serializers.ChoiceField(DeliveryState.choices, required=False)


class ReadIn(Strict):
    """What is to be marked as read."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=1000,
        help_text="Left out: all.",
    )


class ReadOut(serializers.Serializer):
    """What was marked as read."""

    marked = serializers.IntegerField(help_text="How many were unread before.")


class NotificationOut(serializers.ModelSerializer):
    """One event that the person is told of."""

    text = serializers.CharField(source="sentence")
    event = serializers.IntegerField(source="event_id", help_text="Its number in the trail.")

    class Meta:
        model = Notification
        fields = ("id", "event", "action", "kind", "text", "url", "created_at", "read_at", "mailed_at")


@extend_schema_field(MAIL)
class MailField(serializers.DictField):
    """Kind → off, now or digest."""

    child = serializers.ChoiceField(MailChoice.choices)


def _hour(**more: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=23, **more)


class PreferencesIn(Strict):
    """What is to change; what is left out stays."""

    mail = MailField(
        help_text="For each kind: off, now or digest. Bypasses and changes of your account are always mailed at once."
    )
    digest_hour = _hour()
    quiet_from = _hour(allow_null=True, help_text="No mail from this hour on. Null: no quiet hours.")
    quiet_to = _hour(allow_null=True)
    time_zone = serializers.CharField(max_length=64, help_text="Such as Europe/Berlin.")


class PreferencesOut(serializers.Serializer):
    """How a person hears of what happens."""

    mail = MailField(read_only=True)
    digest_hour = serializers.IntegerField()
    quiet_from = serializers.IntegerField(allow_null=True)
    quiet_to = serializers.IntegerField(allow_null=True)
    time_zone = serializers.CharField()

    def to_representation(self, instance: Preferences) -> dict[str, Any]:
        return preferences.described(instance)


class EndpointIn(Strict):
    """The settings of a webhook."""

    name = serializers.CharField(max_length=100)
    url = serializers.CharField(max_length=500, help_text="https, without name and password.")
    events = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        default=list,
        max_length=200,
        help_text="Actions of the trail, such as request.applied, families, such as request.*, or parts, such as "
        "version.stage_changed:Production. Empty: all.",
    )
    models = serializers.ListField(
        child=serializers.CharField(max_length=1000, trim_whitespace=False),
        required=False,
        default=list,
        max_length=100,
        help_text="References of models. Empty: all that you may see.",
    )


class WebhookChangeIn(EndpointIn):
    """What is to change; what is left out stays. Whoever changes it owns it from then on."""

    enabled = serializers.BooleanField()


class WebhookOut(serializers.ModelSerializer):
    """An outgoing webhook. It hears what its owner may read."""

    models = serializers.SerializerMethodField()
    owner = serializers.CharField(source="owner.username")
    waiting = serializers.IntegerField(default=0, help_text="Deliveries in the queue.")
    dead = serializers.IntegerField(default=0, help_text="Deliveries that were given up.")

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = (
            "id", "name", "url", "events", "models", "owner", "enabled", "disabled_because", "failing_since",
            "secret_at", "previous_until", "created_at", "created_by", "waiting", "dead",
        )  # fmt: skip

    def get_models(self, endpoint: Endpoint) -> list[str]:
        named = self.context.get("references")
        return (references_of([endpoint]) if named is None else named)[endpoint.pk]


class NewWebhookOut(WebhookOut):
    """A webhook with its new secret."""

    secret = serializers.SerializerMethodField(help_text="Shown this once.")

    class Meta(WebhookOut.Meta):
        fields = (*WebhookOut.Meta.fields, "secret")

    def get_secret(self, endpoint: Endpoint) -> str:
        return self.context["secret"]


class DeliveryOut(serializers.ModelSerializer):
    """One event on its way to a webhook."""

    event = serializers.IntegerField(source="event_id", help_text="Its number in the trail.")

    class Meta:
        model = Delivery
        fields = (
            "id", "message_id", "event", "type", "state", "attempts", "next_at", "last_status", "last_error",
            "milliseconds", "created_at", "finished_at",
        )  # fmt: skip


class TestOut(serializers.Serializer):
    """How a test went."""

    ok = serializers.BooleanField(source="arrived")
    status = serializers.IntegerField(allow_null=True, help_text="Of HTTP. Null: there was no answer.")
    error = serializers.CharField(help_text="Empty when it arrived.")
    answer = serializers.CharField(help_text="How the receiver's answer begins.")
    milliseconds = serializers.IntegerField(allow_null=True)


class ResentOut(serializers.Serializer):
    """What waits in the queue again."""

    queued = serializers.IntegerField()
