"""Cards, their immutable revisions, drafts that are typed but not saved, comments, and requirement sets."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.registry.models import ModelVersion, RegisteredModel

USER = settings.AUTH_USER_MODEL


class CardState(models.TextChoices):
    """Where a card is on its way."""

    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in_review", _("In review")
    APPROVED = "approved", _("Approved")
    ARCHIVED = "archived", _("Archived")


class Card(models.Model):
    """The card of one model version: what its newest revision says, and how far it is.

    `standing` is {field: how it stands} (rules.Standing) and `digest` that of the newest revision, kept here so that a
    list of cards is one query; so are its model and the version's number, which never change. `approved_number` is the
    revision that was approved last.
    """

    version = models.OneToOneField(ModelVersion, on_delete=models.PROTECT, related_name="card")
    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="cards")  # the version's
    version_number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=CardState.choices, default=CardState.DRAFT)
    number = models.PositiveIntegerField(default=0)  # of the newest revision
    digest = models.CharField(max_length=64, blank=True)
    standing = models.JSONField(default=dict)
    approved_number = models.PositiveIntegerField(null=True)
    approved_by = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["state", "id"], name="modelcards_card_by_state"),
            models.Index(fields=["model", "version_number"], name="modelcards_card_by_version"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_number=None, approved_by=None, approved_at=None)
                | Q(approved_number__isnull=False, approved_by__isnull=False, approved_at__isnull=False),
                name="modelcards_approval_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state=CardState.APPROVED) | Q(approved_number=F("number")),
                name="modelcards_newest_is_approved",
            ),
        ]

    def __str__(self) -> str:
        return f"card of {self.version}"


class Cause(models.TextChoices):
    """Why a revision came to be."""

    STARTED = "started", _("Started")
    EDITED = "edited", _("Edited")
    REFRESHED = "refreshed", _("Facts taken anew")
    IMPORTED = "imported", _("Imported")


class CardRevision(models.Model):
    """What a card said from one save to the next. Never changed and never deleted: the database refuses."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    parent = models.PositiveIntegerField(null=True)  # the number of the one before
    cause = models.CharField(max_length=10, choices=Cause.choices)
    values = models.JSONField(default=dict)
    states = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["card", "number"], name="modelcards_one_revision_per_number"),
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of card {self.card_id}"


class CardDraft(models.Model):
    """What somebody typed into a section and has not saved, as it was posted. One per person, version and section."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="+")
    section = models.CharField(max_length=20)
    base = models.PositiveIntegerField()  # the revision that was being edited
    posted = models.JSONField()  # {name: [texts]}
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["version", "person", "section"], name="modelcards_one_draft_each"),
        ]

    def __str__(self) -> str:
        return f"draft of {self.person} on {self.version}"


class CardComment(models.Model):
    """What somebody said about a section, until it is resolved."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="comments")
    section = models.CharField(max_length=20)
    number = models.PositiveIntegerField()  # the revision that it is about
    body = models.TextField()
    author = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_by = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["card", "id"], name="modelcards_comments_of_card")]
        constraints = [
            models.CheckConstraint(
                condition=Q(resolved_by=None, resolved_at=None)
                | Q(resolved_by__isnull=False, resolved_at__isnull=False),
                name="modelcards_resolved_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"comment {self.pk}"


class RequirementSet(models.Model):
    """Which fields must be settled for which stage and risk tier, from `published_at` until the next one.

    `levels` is {field: {tier: "S", "P" or "-"}}, see rules.py. Rows are added, never changed: the database refuses.
    """

    number = models.PositiveIntegerField(unique=True)  # from 1; 0 is the built-in one, which has no row
    levels = models.JSONField()
    reason = models.TextField()
    published_by = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"requirement set {self.number}"
