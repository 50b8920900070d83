"""How the mirror is kept in step: passes over MLflow, their shards, and what MLflow told by itself."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.registry.models.connection import DEFAULT_CONNECTION, Connection


class SyncState(models.TextChoices):
    """How a sync ended."""

    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class SyncKind(models.TextChoices):
    """How much of MLflow a sync looks at."""

    CHANGES = "changes", _("What changed")  # by MLflow's own times; cheap
    COMPLETE = "complete", _("Everything")  # sees tags, aliases and deletions too
    MODELS = "models", _("Single models")  # named by a webhook or a person


class SyncRun(models.Model):
    """One pass over MLflow: what it found, how long it took, what went wrong."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, default=DEFAULT_CONNECTION)
    kind = models.CharField(max_length=10, choices=SyncKind.choices, default=SyncKind.COMPLETE)
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(default=timezone.now)  # last sign of life
    finished_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=SyncState.choices, default=SyncState.RUNNING)
    requested_by = models.TextField()
    cancelled_by = models.TextField(blank=True)
    done = models.PositiveIntegerField(default=0)  # models looked at
    total = models.PositiveIntegerField(null=True)  # of so many; null: not known yet
    note = models.TextField(blank=True)  # what it is doing
    page_token = models.TextField(blank=True)  # where a complete listing of models goes on after a crash
    listed = models.BooleanField(default=False)  # the listing of models is complete: its shards are all there
    counts = models.JSONField(default=dict)  # {models, versions, created, changed, deleted, calls}
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["connection", "state", "-finished_at"], name="registry_sync_by_connection"),
            models.Index(
                fields=["connection", "state", "-finished_at"],
                condition=~Q(kind="models"),  # webhooks make many of those; how fresh the mirror is, passes tell
                name="registry_sync_passes",
            ),
            models.Index(fields=["id"], condition=Q(state="running"), name="registry_sync_running"),
            models.Index(fields=["started_at"], name="registry_sync_by_start"),
        ]

    def __str__(self) -> str:
        return f"sync {self.pk} ({self.state})"


class SyncShard(models.Model):
    """A part of a complete listing that one worker can mirror by itself: some models with all their versions."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="shards")
    number = models.PositiveIntegerField()
    names = models.JSONField()  # of its models, also after the work: what no shard names may be gone
    payload = models.JSONField(null=True)  # the models as MLflow listed them; null when the shard is done
    asked_at = models.DateTimeField()  # when MLflow was asked for them
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="registry_one_shard_per_number")]

    def __str__(self) -> str:
        return f"shard {self.number} of sync {self.run_id}"


class TouchedModel(models.Model):
    """A model, or one version of it, that MLflow says has changed, and that is to be read again."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE)
    name = models.TextField()
    number = models.PositiveIntegerField(default=0)  # 0: the whole model
    noted_at = models.DateTimeField(auto_now_add=True)
    failures = models.PositiveSmallIntegerField(default=0)  # refusals in a row; set the pause before the next try
    not_before = models.DateTimeField(null=True)  # when to try again; null: now
    error = models.TextField(blank=True)  # why MLflow did not say

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "name", "number"], name="registry_touched_once"),
        ]

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.name}"


class WebhookDelivery(models.Model):
    """A signed delivery that was accepted. Its id is kept for as long as its age would be accepted, and longer."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=100)
    received_at = models.DateTimeField(auto_now_add=True)
    event = models.CharField(max_length=80)  # "model_version.created"
    model_name = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "delivery_id"], name="registry_delivery_once"),
        ]
        indexes = [models.Index(fields=["connection", "-received_at"], name="registry_delivery_by_time")]

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"


class DeliveryRefusal(models.Model):
    """Deliveries that were refused, counted by reason and hour, so that a flood fills no table."""

    connection_name = models.CharField(max_length=40, blank=True)  # empty: no such connection
    reason = models.CharField(max_length=40)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    last_address = models.CharField(max_length=45, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection_name", "reason", "hour"], name="registry_refusals_by_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.reason}"
