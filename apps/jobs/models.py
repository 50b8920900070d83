"""Durable work. A Job row is committed with the decision that asks for it; a broker only delivers its number."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    """Where a job stands."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


ACTIVE_STATES = (JobState.QUEUED, JobState.RUNNING)


class Job(models.Model):
    """One piece of work that must happen. `key` makes it single: at most one active job per key."""

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200, null=True)
    args = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    bulk = models.BooleanField(default=False)  # long work that comes in heaps: stands in a queue of its own
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=5)
    not_before = models.DateTimeField()  # when it may be claimed (back-off)
    lease_until = models.DateTimeField(null=True)  # a worker that does not renew loses the job
    lease_token = models.CharField(max_length=36, blank=True)  # which claim holds it
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(null=True)
    progress_note = models.TextField(blank=True)
    error = models.TextField(blank=True)
    requested_by = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(state__in=["queued", "running"]), name="jobs_one_active_per_key"
            ),
        ]
        indexes = [
            models.Index(fields=["not_before"], condition=Q(state="queued"), name="jobs_queued"),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="jobs_running"),
            models.Index(fields=["kind", "-id"], name="jobs_by_kind"),
            models.Index(fields=["key"], name="jobs_by_key"),  # SQLite cannot use the constraint's for a question
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"
