"""What a governed target demands, as rows that never change once they are published."""

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.assurance import SignWith, asked_by
from apps.registry.models import RegisteredModel, Stage


class PolicyState(models.TextChoices):
    """Where a policy stands."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class Staleness(models.TextChoices):
    """Which votes fall when the evidence changes. A change of the artifact dismisses all of them in any case."""

    ALL = "all", _("Every vote")
    SCOPED = "scoped", _("Only the votes on what changed")
    NONE = "none", _("None, unless the artifact changed")


class Scope(models.TextChoices):
    """The parts of the evidence that a vote can be about."""

    ARTIFACT = "artifact", _("Artifact")
    METRICS = "metrics", _("Metrics and data")
    CARD = "card", _("Model card")
    DEPENDENCIES = "dependencies", _("Dependencies")
    CHECKLIST = "checklist", _("Checks")


class ApprovalPolicy(models.Model):
    """What a move demands. Drafts are edited; a published one never changes: another takes over, requests keep theirs.

    It covers the models that it names (`model`; else a risk tier; else a tag; else all of them) on their way to a
    target (`stage` or `alias`; neither: any target without a more specific policy).
    """

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, null=True, related_name="policies")
    risk = models.CharField(max_length=250, blank=True)  # a risk tier, as the inventory reads it from tags
    tag_key = models.CharField(max_length=250, blank=True)  # a tag of the model, with `tag_value`
    tag_value = models.CharField(max_length=250, blank=True)
    stage = models.CharField(max_length=20, choices=Stage.choices, blank=True)
    alias = models.CharField(max_length=255, blank=True)

    exclude_registrant = models.BooleanField(default=True)  # who registered the version does not sign it
    exclude_run_owner = models.BooleanField(default=True)  # nor who ran the training
    exclude_last_editor = models.BooleanField(default=True)  # nor who last wrote a part of the evidence
    several_rules = models.BooleanField(default=False)  # one person may fill several rules
    staleness = models.CharField(max_length=10, choices=Staleness.choices, default=Staleness.ALL)
    required_checks = models.JSONField(default=list)  # names of checks that must pass or be waived
    tolerance_percent = models.FloatField(default=0)  # how much worse than Production a metric may be
    main_metric = models.CharField(max_length=250, blank=True)  # the one that lists show; empty: the first known one
    sign_with = models.CharField(  # what signing asks for again
        max_length=10, choices=SignWith.choices, default=SignWith.NONE
    )

    wait_minutes = models.PositiveIntegerField(default=0)  # between the last requirement met and the write
    open_days = models.PositiveSmallIntegerField(null=True)  # then an undecided request expires; null: never
    remind_days = models.PositiveSmallIntegerField(null=True)  # between reminders of an undecided request
    approval_days = models.PositiveSmallIntegerField(null=True)  # how long an approval waits to be applied
    recertify_days = models.PositiveSmallIntegerField(null=True)  # how long an applied approval holds
    after_review_days = models.PositiveSmallIntegerField(default=3)  # to review a bypass or a rollback afterwards

    archive_existing = models.BooleanField(default=True)  # what a request proposes for the versions now in the stage
    moves_alias = models.CharField(max_length=255, blank=True)  # an alias that moves together with the stage
    revert_drift = models.BooleanField(default=False)  # undo at once what MLflow's stage says without a decision
    refuse_clients = models.BooleanField(default=False)  # an MLflow client that asks for the move opens no request

    state = models.CharField(max_length=10, choices=PolicyState.choices, default=PolicyState.DRAFT)
    revision = models.PositiveIntegerField(default=0)  # counted per scope and target; 0: a draft
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")  # a draft's model
    reason = models.TextField(blank=True)
    drafted_at = models.DateTimeField(default=timezone.now)
    drafted_by = models.TextField(blank=True)  # who edited the draft last: somebody else publishes it
    published_at = models.DateTimeField(null=True)
    published_by = models.TextField(blank=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(stage="") | Q(alias=""), name="approvals_policy_has_one_target"),
            models.CheckConstraint(
                condition=Q(model=None, risk="", tag_key="")
                | Q(model__isnull=False, risk="", tag_key="")
                | Q(~Q(risk=""), model=None, tag_key="")
                | Q(~Q(tag_key=""), model=None, risk=""),
                name="approvals_policy_has_one_scope",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_at=None)
                | Q(state="published", published_at__isnull=False, retired_at=None)
                | Q(state="retired", published_at__isnull=False, retired_at__isnull=False),
                name="approvals_policy_state_has_times",
            ),
            models.UniqueConstraint(
                fields=["stage", "alias", "risk", "tag_key", "tag_value"],
                condition=Q(state="published", model=None),
                name="approvals_one_policy_per_scope",
            ),
            models.UniqueConstraint(
                fields=["model", "stage", "alias"],
                condition=Q(state="published", model__isnull=False),
                name="approvals_one_policy_per_model_and_target",
            ),
        ]
        indexes = [models.Index(fields=["state", "-id"], name="approvals_policy_by_state")]

    def __str__(self) -> str:
        return f"{self.stage or (f'@{self.alias}' if self.alias else 'default')} policy {self.pk}"

    @property
    def asks(self) -> SignWith:
        """What a signature under it takes here: what it says, or more where the installation wants more."""
        return asked_by(self.sign_with)

    @property
    def needed(self) -> int:
        """How many approvals its rules want altogether; lists prefetch the rules."""
        return sum(rule.needed for rule in self.rules.all())


class PolicyRule(models.Model):
    """One demand of a policy: `needed` distinct people. All rules of a policy must be filled.

    `group` null: anybody with the reviewer's duty on the model; with a group, only those of its members who have it.
    """

    policy = models.ForeignKey(ApprovalPolicy, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=100, blank=True)  # as slots show it; empty: the group's name, or "Reviewers"
    needed = models.PositiveSmallIntegerField(default=1)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, null=True)
    scopes = models.JSONField(default=list)  # of `Scope`: what its votes are about; empty: everything

    class Meta:
        default_permissions = ()
        ordering = ["position", "id"]
        constraints = [models.CheckConstraint(condition=Q(needed__gte=1), name="approvals_rule_needs_someone")]

    def __str__(self) -> str:
        return f"{self.needed} of {self.group or 'reviewers'}"


class FreezeWindow(models.Model):
    """A time in which nothing is applied; people may vote.

    `stage` or `alias` names what is held; neither: every target. `model` null: every model.
    """

    name = models.CharField(max_length=200)
    reason = models.TextField(blank=True)
    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, null=True, related_name="freezes")
    stage = models.CharField(max_length=20, choices=Stage.choices, blank=True)
    alias = models.CharField(max_length=255, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.TextField()
    lifted_at = models.DateTimeField(null=True)  # ended before its time
    lifted_by = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="approvals_freeze_ends_after_it_starts"
            ),
            models.CheckConstraint(condition=Q(stage="") | Q(alias=""), name="approvals_freeze_has_one_target"),
        ]
        indexes = [models.Index(fields=["ends_at"], name="approvals_freeze_by_end")]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> str:
        """What it holds, as people say it: "Production", "@champion"; empty: every stage and alias."""
        return f"@{self.alias}" if self.alias else self.stage
