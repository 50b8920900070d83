"""The mirror of MLflow's registries. MLflow is the truth for all of it; a sync may rewrite any field.

Names and texts are unbounded here: MLflow on SQLite enforces no length. A name can be used again after a deletion, so
rows have their own identity, and a deleted one is kept and marked.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.grants import GroupPermissionTable, UserPermissionTable
from apps.accounts.permissions import MODEL_PERMISSIONS
from apps.registry.models.connection import DEFAULT_CONNECTION, Connection


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


LISTED = Q(kind="model", deleted_at=None)  # what the list of models shows unless asked for more
SORTED_BY = (
    "name", "updated_at", "owner", "risk", "framework", "production_since", "candidate_number", "open_requests",
    "open_drift", "version_count",
)  # fmt: skip


class RegisteredModel(models.Model):
    """A registered model, as last seen in MLflow, with a summary of its versions for lists.

    The summary is written by apps.registry.summaries in the transaction that changes what it sums up.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, default=DEFAULT_CONNECTION)
    name = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.MODEL)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=dict)  # {key: value}
    created_at = models.DateTimeField()  # MLflow's times
    updated_at = models.DateTimeField()
    first_seen_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)  # when a sync found it gone
    seen_at = models.DateTimeField(null=True)  # when MLflow was asked for this state: answers asked for earlier are old

    owner = models.CharField(max_length=250, blank=True)  # from tags, see INVENTORY_OWNER_TAGS
    risk = models.CharField(max_length=250, blank=True)  # from tags, see INVENTORY_RISK_TAGS
    framework = models.CharField(max_length=250, blank=True)  # of the version in Production, else of the newest
    version_count = models.PositiveIntegerField(default=0)
    newest_number = models.PositiveIntegerField(null=True)
    newest_stage = models.CharField(max_length=20, blank=True)
    production_number = models.PositiveIntegerField(null=True)  # the newest version in Production
    production_since = models.DateTimeField(null=True)
    candidate_number = models.PositiveIntegerField(null=True)  # the newest in Staging, else a newest one not staged yet
    candidate_stage = models.CharField(max_length=20, blank=True)
    alias_numbers = models.JSONField(default=dict)  # {alias: version number}
    sync_state = models.CharField(max_length=20, default="current")  # see apps.registry.summaries
    open_requests = models.PositiveIntegerField(default=0)  # written by approvals through summaries.set_counts
    open_drift = models.PositiveIntegerField(default=0)
    search_text = models.TextField(blank=True)  # case-folded: names, description, tags, owner, aliases

    class Meta:
        default_permissions = ()
        permissions = [(permission.codename, permission.value) for permission in MODEL_PERMISSIONS]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "name"], condition=Q(deleted_at=None), name="registry_one_live_model_per_name"
            )
        ]
        indexes = [
            models.Index(fields=["connection", "name"], name="registry_model_by_name"),
            models.Index(fields=["connection", "created_at"], name="registry_model_by_creation"),
            models.Index(fields=["kind", "id"], name="registry_model_by_kind"),  # whose requests, drift, … one may see
            *(
                models.Index(fields=[column, "id"], condition=LISTED, name=f"registry_list_by_{column}"[:30])
                for column in SORTED_BY
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """How addresses, the API and the trail name it: "churn" on the default connection, else "eu:churn".

        MLflow allows no colon in a name; one that has it all the same is written with its connection.
        """
        short = self.connection_id == DEFAULT_CONNECTION and ":" not in self.name
        return self.name if short else f"{self.connection_id}:{self.name}"


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
    seen_at = models.DateTimeField(null=True)  # when MLflow was asked for this state: answers asked for earlier are old
    stage_since = models.DateTimeField(null=True)  # when it came into its stage, at the latest
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
    files = models.JSONField(null=True)  # [{path, size}] of the model's folder, size null for a folder; null: not read
    environment = models.JSONField(default=dict)  # {conda: parsed conda.yaml, python_env: parsed python_env.yaml}
    pictures = models.JSONField(default=list)  # [{path, title}] images that the run logged, such as a confusion matrix
    input_example = models.TextField(null=True)  # its beginning; empty: none that can be shown; null: not read
    artifact_digest = models.CharField(max_length=64, blank=True)  # of MLmodel, requirements and file list as last read

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="registry_one_row_per_version"),
        ]
        indexes = [
            models.Index(fields=["model", "stage", "-number"], name="registry_version_by_stage"),
            models.Index(
                fields=["details_due_at"], condition=Q(details_due_at__isnull=False), name="registry_details_due"
            ),
            models.Index(fields=["stage", "details_due_at"], name="registry_details_by_stage"),
            models.Index(
                fields=["details_state", "-created_at", "-id"],
                condition=Q(details_due_at__isnull=False),
                name="registry_details_newest",
            ),
            models.Index(fields=["run_id"], name="registry_version_by_run"),
            models.Index(fields=["updated_at"], condition=Q(deleted_at=None), name="registry_version_by_change"),
        ]

    def __str__(self) -> str:
        return f"{self.model.reference} v{self.number}"


class ModelAlias(models.Model):
    """An alias and the version it points to."""

    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="aliases")
    alias = models.CharField(max_length=255)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "alias"], name="registry_alias_once_per_model")]

    def __str__(self) -> str:
        return f"@{self.alias}"


class ModelFacet(models.Model):
    """One of several values by which models are filtered and counted: stage, alias, tag (a key), pair (key=value).

    What a model has one of, such as its owner, is a column of its own. Written by apps.registry.summaries. `value` is
    cut to its first 250 characters.
    """

    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="facets")
    facet = models.CharField(max_length=20)
    value = models.CharField(max_length=250)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["facet", "value", "model"], name="registry_facet_once")]

    def __str__(self) -> str:
        return f"{self.facet}: {self.value}"
