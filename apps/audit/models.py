"""The trail. Text and JSON only, no foreign keys: a delete elsewhere can neither block nor rewrite it.

Rows are append-only: database triggers (migration 0002) refuse UPDATE, DELETE and TRUNCATE.
"""

from django.db import models

from apps.audit.actions import Action, Outcome, Source


class AuditEvent(models.Model):
    """One thing that happened or was refused. Written by `apps.audit.services` alone."""

    id = models.BigIntegerField(primary_key=True)  # the place in the chain: 1, 2, 3 … without a gap
    at = models.DateTimeField()
    action = models.CharField(max_length=40, choices=Action.choices)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    source = models.CharField(max_length=10, choices=Source.choices)
    actor = models.TextField()
    actor_role = models.TextField(blank=True)  # at that time
    model_id = models.BigIntegerField(null=True)  # the mirror's registered model; decides who may read the event
    target_type = models.CharField(max_length=30)
    target = models.TextField()  # as people name it: "churn-classifier v3", "request 12"
    reason = models.TextField(blank=True)  # given by the actor, or why it was refused
    data = models.JSONField(default=dict)  # before, after, digests
    request_id = models.CharField(max_length=36, blank=True)
    address = models.CharField(max_length=45, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        # Each filter of the explorer, and each pair that is often met and seldom together, newest first: ADR 0029.
        indexes = [
            models.Index(fields=["model_id", "-id"], name="audit_by_model"),
            models.Index(fields=["model_id", "action", "-id"], name="audit_by_model_action"),
            models.Index(fields=["model_id", "actor", "-id"], name="audit_by_model_actor"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["actor", "action", "-id"], name="audit_by_actor_action"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            models.Index(fields=["outcome", "-id"], name="audit_by_outcome"),
            models.Index(fields=["source", "-id"], name="audit_by_source"),
            models.Index(fields=["target_type", "-id"], name="audit_by_type"),
            models.Index(fields=["target_type", "target", "-id"], name="audit_by_target"),
            models.Index(fields=["address", "-id"], name="audit_by_address"),
            models.Index(fields=["request_id", "-id"], name="audit_by_request_id"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.action} {self.target}"


class ChainHead(models.Model):
    """One row: the last event's number and hash. Locking it puts concurrent writers in line."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last_id = models.BigIntegerField(default=0)
    last_hash = models.CharField(max_length=64, default="0" * 64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_chain_head")]

    def __str__(self) -> str:
        return f"head of the chain: {self.last_id}"
