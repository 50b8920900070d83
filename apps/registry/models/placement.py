"""Which version was in a stage, or under an alias, from when until when: kept, so that any moment can be told."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.registry.models.mirror import ModelVersion, RegisteredModel, Stage


class PlacedBy(models.TextChoices):
    """Who brought it there."""

    ASSENT = "assent", _("Assent")
    MLFLOW = "mlflow", _("MLflow, outside Assent")


class Placement(models.Model):
    """A version in a stage (`stage`; never None) or under an alias (`alias`), from `since` until just before `until`.

    Written by apps.registry.placements in the transaction that changes the stage or the alias in the mirror.
    """

    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="placements", db_index=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="placements")
    stage = models.CharField(max_length=20, choices=Stage.choices, blank=True)
    alias = models.CharField(max_length=255, blank=True)
    since = models.DateTimeField()  # MLflow's time of a stage, the time of asking for an alias: MLflow keeps none
    at_latest = models.BooleanField(default=False)  # Assent found it so: it may have been so before `since`
    until = models.DateTimeField(null=True)  # null: it is so now
    source = models.CharField(max_length=10, choices=PlacedBy.choices)
    request = models.PositiveBigIntegerField(null=True)  # number of the approved request that did it

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(~Q(stage=""), alias="") | Q(~Q(alias=""), stage=""), name="registry_placement_has_one_place"
            ),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="registry_placement_ends"),
            models.UniqueConstraint(
                fields=["version"], condition=Q(until=None, alias=""), name="registry_one_stage_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["model", "alias"], condition=Q(until=None, stage=""), name="registry_alias_on_one_version"
            ),
        ]
        indexes = [
            models.Index(fields=["model", "since"], name="registry_placement_by_model"),
            models.Index(fields=["stage", "since", "id"], name="registry_placement_by_stage"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} in {self.place}"

    @property
    def place(self) -> str:
        """Where it was, as people say it: "Production" or "@champion"."""
        return f"@{self.alias}" if self.alias else self.stage
