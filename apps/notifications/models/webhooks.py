"""Where events are sent, and each event on its way there."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Endpoint(models.Model):
    """An address that is told of events. It hears what its owner may read, and no more."""

    name = models.CharField(max_length=100, unique=True)
    url = models.TextField()
    events = models.JSONField(default=list)  # actions ("request.applied") or whole families ("request.*"); none: all
    model_ids = models.JSONField(default=list)  # the mirror's registered models; none: all
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="webhooks")
    secret = models.TextField()  # sealed by apps.encryption
    secret_at = models.DateTimeField()
    previous_secret = models.TextField(blank=True)  # sealed; signs too until `previous_until`
    previous_until = models.DateTimeField(null=True)
    enabled = models.BooleanField(default=True)
    disabled_because = models.TextField(blank=True)  # by Assent itself
    failing_since = models.DateTimeField(null=True)  # null: the last delivery arrived
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    def has_previous(self, now: datetime) -> bool:
        """Return whether the secret before still signs."""
        return bool(self.previous_secret) and self.previous_until is not None and self.previous_until > now


class DeliveryState(models.TextChoices):
    """Where a delivery stands."""

    QUEUED = "queued", _("Waiting")
    DONE = "done", _("Delivered")
    DEAD = "dead", _("Given up")


SENT_AGAIN = (DeliveryState.DEAD,)  # from which states a person may have a delivery sent once more


class Delivery(models.Model):
    """One event on its way to one endpoint. Those of one lane (a model, or 0 for none) go out one after the other."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.BigIntegerField()  # of the trail
    lane = models.BigIntegerField()  # the mirror's registered model, 0 for an event without one
    message_id = models.CharField(max_length=40, unique=True)  # the header webhook-id: the same at every attempt
    type = models.CharField(max_length=40)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    last_status = models.PositiveSmallIntegerField(null=True)  # of HTTP; null: no answer
    last_error = models.TextField(blank=True)
    milliseconds = models.PositiveIntegerField(null=True)  # the last attempt took
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["endpoint", "event_id"], name="notifications_delivered_once")]
        indexes = [
            models.Index(fields=["endpoint", "next_at"], condition=Q(state="queued"), name="notifications_next_due"),
            models.Index(
                fields=["endpoint", "lane", "event_id"], condition=Q(state="queued"), name="notifications_lane"
            ),
            models.Index(fields=["endpoint", "-event_id"], name="notifications_by_endpoint"),
            models.Index(fields=["endpoint", "state", "-event_id"], name="notifications_by_state"),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="notifications_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} ({self.state})"

    @property
    def may_be_sent_again(self) -> bool:
        """Whether a person may have it sent once more: it was given up. What waits or arrived is not sent twice."""
        return self.state in SENT_AGAIN
