"""The mirror of MLflow's registry. MLflow is the truth for all of it; a sync may rewrite any field.

Names and texts are unbounded here: MLflow on SQLite enforces no length. A name can be used again after a deletion, so
rows have their own identity, and a deleted one is kept and marked.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.grants import GroupPermissionTable, UserPermissionTable
from apps.accounts.permissions import MODEL_PERMISSIONS


class Stage(models.TextChoices):
    """MLflow's stages, by MLflow's names."""

    NONE = "None", _("None")
    STAGING = "Staging", _("Staging")
    PRODUCTION = "Production", _("Production")
    ARCHIVED = "Archived", _("Archived")


class Kind(models.TextChoices):
    """MLflow keeps prompts in the same tables as models; Assent keeps them apart."""

    MODEL = "model", _("Model")
    PROMPT = "prompt", _("Prompt")


class RegisteredModel(models.Model):
    """A registered model, as last seen in MLflow."""

    name = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.MODEL)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=dict)  # {key: value}
    created_at = models.DateTimeField()  # MLflow's times
    updated_at = models.DateTimeField()
    first_seen_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)  # when a sync found it gone

    class Meta:
        default_permissions = ()
        permissions = [(permission.codename, permission.value) for permission in MODEL_PERMISSIONS]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(deleted_at=None), name="registry_one_live_model_per_name"
            )
        ]
        indexes = [models.Index(fields=["kind", "name"], name="registry_model_by_name")]

    def __str__(self) -> str:
        return self.name


class RegisteredModelUserPermission(UserPermissionTable):
    """Permissions that a person holds on one model."""

    content_object = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE)


class RegisteredModelGroupPermission(GroupPermissionTable):
    """Permissions that a group holds on one model."""

    content_object = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE)


class DetailsState(models.TextChoices):
    """How far the run's and the artifact's metadata of a version have been read."""

    PENDING = "pending", _("Not read yet")
    LOADED = "loaded", _("Read")
    FAILED = "failed", _("Could not be read")


class ModelVersion(models.Model):
    """A model version with what its run and its MLmodel say, as last seen in MLflow."""

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    stage = models.CharField(max_length=20, choices=Stage.choices, default=Stage.NONE)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=dict)
    source = models.TextField(blank=True)
    run_id = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=40, default="READY")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    pending_stage = models.CharField(max_length=20, blank=True)  # Assent is writing this stage: not a foreign change

    details_state = models.CharField(max_length=10, choices=DetailsState.choices, default=DetailsState.PENDING)
    details_error = models.TextField(blank=True)
    details_at = models.DateTimeField(null=True)  # when they were last read
    details_due_at = models.DateTimeField(null=True)  # when to read them (again); null: no need
    details_failures = models.PositiveSmallIntegerField(default=0)  # in a row; sets the pause before the next try
    run = models.JSONField(default=dict)  # {name, status, user, experiment_id, experiment, started_at, ended_at, tags}
    params = models.JSONField(default=dict)  # {name: text}
    metrics = models.JSONField(default=dict)  # {name: number}, last value of each
    datasets = models.JSONField(default=list)  # [{name, digest, context, source_type}]
    mlmodel = models.JSONField(default=dict)  # the MLmodel file, parsed
    signature = models.JSONField(null=True)  # {inputs: [{name, type, required}], outputs: […], params: […]}
    requirements = models.JSONField(null=True)  # lines of requirements.txt; null: no such file

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="registry_one_row_per_version"),
        ]
        indexes = [
            models.Index(fields=["model", "stage", "-number"], name="registry_version_by_stage"),
            models.Index(
                fields=["details_due_at"], condition=Q(details_due_at__isnull=False), name="registry_details_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model.name} v{self.number}"


class ModelAlias(models.Model):
    """An alias and the version it points to."""

    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="aliases")
    alias = models.CharField(max_length=255)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "alias"], name="registry_alias_once_per_model")]

    def __str__(self) -> str:
        return f"@{self.alias}"


class SyncState(models.TextChoices):
    """How a sync ended."""

    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class SyncRun(models.Model):
    """One pass over MLflow: what it found, how long it took, what went wrong."""

    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=SyncState.choices, default=SyncState.RUNNING)
    requested_by = models.TextField()
    counts = models.JSONField(default=dict)  # {models, versions, created, changed, deleted, details}
    error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "-finished_at"], name="registry_sync_by_state")]

    def __str__(self) -> str:
        return f"sync {self.pk} ({self.state})"
