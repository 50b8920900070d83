"""How controls are set, what is held, and what a worker made: evidence packages, and counts of many models."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.approvals.models import ApprovalRequest
from apps.registry.models import ModelVersion, RegisteredModel


class Severity(models.TextChoices):
    """How much hangs on a control."""

    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")


class ControlSetting(models.Model):
    """How admins set a control, from `set_at` until the next one of its name. Rows are added, never changed.

    `tiers` are the risk tiers whose models the control is asked of; empty: every model.
    """

    control = models.CharField(max_length=40)
    number = models.PositiveIntegerField()  # counted per control, from 1
    enabled = models.BooleanField()
    tiers = models.JSONField(default=list)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    reason = models.TextField()
    set_by = models.TextField()
    set_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["control", "number"], name="compliance_one_setting_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.control}, setting {self.number}"


class LegalHold(models.Model):
    """Nothing of this model, or of this one version, may be deleted until somebody else lifts the hold."""

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="holds")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="holds")
    reason = models.TextField()
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(auto_now_add=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lift_reason = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["model"], condition=Q(lifted_at=None, version=None), name="compliance_one_hold_per_model"
            ),
            models.UniqueConstraint(fields=["version"], condition=Q(lifted_at=None), name="compliance_one_hold_each"),
            models.CheckConstraint(condition=~Q(set_by=F("lifted_by")), name="compliance_another_person_lifts"),
            models.CheckConstraint(
                condition=Q(lifted_by=None, lifted_at=None) | Q(lifted_by__isnull=False, lifted_at__isnull=False),
                name="compliance_lifted_hold_has_time",
            ),
        ]
        indexes = [models.Index(fields=["model", "-id"], name="compliance_hold_by_model")]

    def __str__(self) -> str:
        return f"hold {self.pk}"

    @property
    def thing(self) -> str:
        """What is held, as people say it: "churn" or "churn v3"."""
        return str(self.version) if self.version else self.model.reference


class Broken(models.TextChoices):
    """What happened in MLflow to something held."""

    DELETED = "deleted", _("Deleted")
    ARTIFACTS = "artifacts", _("Files changed or deleted")
    RUN = "run", _("Run deleted")


class HoldBreach(models.Model):
    """Something held was deleted or changed in MLflow, past Assent: a finding, which stays."""

    hold = models.ForeignKey(LegalHold, on_delete=models.PROTECT, related_name="breaches")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="+")  # null: the model
    what = models.CharField(max_length=10, choices=Broken.choices)
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["hold", "id"], name="compliance_breach_by_hold")]

    def __str__(self) -> str:
        return f"breach {self.pk} of hold {self.hold_id}"


class BuiltPackage(models.Model):
    """An evidence package that a worker built, as bytes; the newest of each subject is kept.

    `facts` says what it was built from: another text means that something changed since.
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, null=True, related_name="+")
    facts = models.CharField(max_length=64)
    name = models.TextField()
    files = models.PositiveIntegerField()
    content = models.BinaryField()
    built_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=Q(request=None), name="compliance_one_package_per_version"
            ),
            models.UniqueConstraint(fields=["request"], name="compliance_one_package_per_request"),
        ]

    def __str__(self) -> str:
        return f"package {self.pk}"


class KeptCount(models.Model):
    """How all the models that a person sees stand, as a worker counted them; dropped when nobody asks any more.

    `question` is a digest of all that the answer depends on but the models' own facts: what was asked, through which
    token, how many models there were, and how the controls are set.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    question = models.CharField(max_length=64)
    answer = models.JSONField()
    judged_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["person", "question"], name="compliance_one_count_each")]
        indexes = [models.Index(fields=["judged_at"], name="compliance_count_by_time")]

    def __str__(self) -> str:
        return f"count {self.pk}"
