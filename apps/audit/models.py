"""The trail, what proves it, and the log of accesses beside it. Text and JSON only, no foreign keys: a delete elsewhere
can neither block nor rewrite it.

Events, checkpoints and public keys are append-only: database triggers refuse UPDATE, DELETE and TRUNCATE. The head of
the chain only moves forward.
"""

from django.db import models

from apps.audit.actions import AccessOutcome, Action, Outcome, Source
from apps.audit.event_types import event_type


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
    on_behalf_of = models.TextField(blank=True, default="")  # the person for whom a delegate spoke
    token_prefix = models.CharField(max_length=32, blank=True, default="")  # with which API token; never more of it
    token_name = models.TextField(blank=True, default="")
    evidence_digest = models.TextField(blank=True, default="")  # of what was reviewed
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

    @property
    def event_type(self) -> str:
        """What it is in the vocabulary of audit logs; "" for what they have no word for."""
        return event_type(self.action, self.outcome, self.data)


class ChainHead(models.Model):
    """One row: the last event's number and hash. Locking it puts concurrent writers in line."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last_id = models.BigIntegerField(default=0)
    last_hash = models.CharField(max_length=64, default="0" * 64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_chain_head")]

    def __str__(self) -> str:
        return f"head of the chain: {self.last_id}"


class SigningKey(models.Model):
    """One row: the key of this installation that signs checkpoints. Rotation replaces it; old ones only verify."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    key_id = models.CharField(max_length=64)
    sealed = models.TextField()  # the private key, encrypted with the installation's keys

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_signing_key")]

    def __str__(self) -> str:
        return f"signing key {self.key_id[:16]}"


class PublicKey(models.Model):
    """What verifies checkpoints: every key that this installation ever signed with."""

    key_id = models.CharField(max_length=64, primary_key=True)  # SHA-256 of the key, hex
    public_key = models.CharField(max_length=44)  # Ed25519, 32 bytes as base64
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"public key {self.key_id[:16]}"


class Checkpoint(models.Model):
    """A signed word on where the chain stood: whoever keeps it notices a chain that was cut or written anew."""

    event_id = models.BigIntegerField()  # the last event then
    hash = models.CharField(max_length=64)  # of that event
    count = models.BigIntegerField()
    at = models.DateTimeField()
    key_id = models.CharField(max_length=64)
    signature = models.CharField(max_length=88)  # Ed25519 over the canonical content, base64

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "key_id"], name="audit_one_checkpoint_each")]

    def __str__(self) -> str:
        return f"checkpoint at event {self.event_id}"


class Access(models.Model):
    """A denial, or a read that matters. Not chained, kept for ASSENT_ACCESS_LOG_DAYS. See apps/audit/access/."""

    key = models.CharField(max_length=64, unique=True, null=True)  # of denials that are counted in one row
    at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    outcome = models.CharField(max_length=10, choices=AccessOutcome.choices)
    status = models.PositiveSmallIntegerField()  # of the answer
    person = models.TextField(blank=True)  # the user name; empty when nobody was signed in
    token_prefix = models.CharField(max_length=32, blank=True)
    token_name = models.TextField(blank=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=36, blank=True)
    method = models.CharField(max_length=10)
    route = models.CharField(max_length=100)  # the name of the address, never its query
    object = models.TextField(blank=True)  # as the caller named it
    model_id = models.BigIntegerField(null=True)  # the mirror's registered model; decides who may read the row

    class Meta:
        indexes = [
            models.Index(fields=["model_id", "-id"], name="access_by_model"),
            models.Index(fields=["person", "-id"], name="access_by_person"),
            models.Index(fields=["outcome", "-id"], name="access_by_outcome"),
            models.Index(fields=["at"], name="access_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.route} {self.object}"
