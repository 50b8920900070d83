"""Campaigns in which each grant is confirmed or taken back by who answers for it."""

from datetime import UTC, date, datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.grants import Grant
from apps.accounts.models.people import User


class ReviewState(models.TextChoices):
    """Where a campaign stands."""

    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")
    CANCELLED = "cancelled", _("Cancelled")


class Decision(models.TextChoices):
    """What became of one grant of a campaign. Whatever is not pending stays as it is."""

    PENDING = "pending", _("Pending")
    CONFIRMED = "confirmed", _("Confirmed")
    REMOVED = "removed", _("Removed")
    LAPSED = "lapsed", _("Lapsed")  # nobody answered in time
    KEPT = "kept", _("Kept unanswered")  # likewise, but nobody could manage people, or a guard objects
    ENDED = "ended", _("Ended meanwhile")  # by itself, or by somebody else than the campaign
    CANCELLED = "cancelled", _("Cancelled")


class Answers(models.TextChoices):
    """Why just this person answers for a grant."""

    MODEL_OWNER = "model_owner", _("owns the model")
    GIVER = "giver", _("gave it")
    ADMIN = "admin", _("any admin")
    REASSIGNED = "reassigned", _("it was reassigned")


class AccessReview(models.Model):
    """A campaign: the grants that it covers were those in force when it was opened.

    `groups`, `roles` and `pattern` narrow that; without them it covers every grant that `opened_by` could see.
    """

    name = models.CharField(max_length=150)
    groups = models.JSONField(default=list)  # names
    roles = models.JSONField(default=list)  # as grants name them
    pattern = models.CharField(max_length=250, blank=True)  # of models' names
    reason = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=ReviewState.choices, default=ReviewState.OPEN)
    opened_by = models.TextField()
    opened_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()  # from this moment on nobody answers any more
    remind_at = models.DateTimeField(null=True)
    ending_at = models.DateTimeField(null=True)  # somebody ended it before it was due
    ending_by = models.TextField(blank=True)
    ending_reason = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.TextField(blank=True)
    closed_reason = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(state="open"), name="accounts_review_open_once"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="accounts_review_closed_has_time",
            ),
        ]
        indexes = [models.Index(fields=["state", "-id"], name="accounts_review_by_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def last_day(self) -> date:
        """The last day, in UTC, on which somebody answers."""
        return (self.due_at - timedelta(microseconds=1)).astimezone(UTC).date()

    def is_over(self, now: datetime) -> bool:
        """Return whether nobody answers any more: it is due, was ended early, closed or cancelled."""
        return self.state != ReviewState.OPEN or self.ending_at is not None or self.due_at <= now


class AccessReviewItem(models.Model):
    """One grant of a campaign, as it was when the campaign was opened, and what was decided on it.

    `owner` answers for it; none: any admin. `first_by` confirmed a grant that every admin holds: another one follows.
    """

    review = models.ForeignKey(AccessReview, on_delete=models.CASCADE, related_name="items")
    grant = models.ForeignKey(Grant, on_delete=models.SET_NULL, null=True, related_name="review_items")
    holder = models.CharField(max_length=150)  # of here on: what the grant said, readable when it is gone
    of_group = models.BooleanField()  # the holder is a group, else a person
    role = models.CharField(max_length=30)
    on = models.TextField()  # in words
    model_id = models.BigIntegerField(default=0)  # the mirror's model: who may not see it sees no item
    last_day = models.DateField(null=True)
    given_by = models.TextField()
    given_at = models.DateTimeField()
    given_reason = models.TextField()
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="access_review_items")
    answers = models.CharField(max_length=12, choices=Answers.choices)
    decision = models.CharField(max_length=10, choices=Decision.choices, default=Decision.PENDING)
    first_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_by = models.TextField(blank=True)  # user name, or system:<part>
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["review", "grant"], name="accounts_review_item_once"),
            models.CheckConstraint(
                condition=Q(decision="pending", decided_at=None)
                | (~Q(decision="pending") & Q(decided_at__isnull=False) & ~Q(decided_by="")),
                name="accounts_review_item_decided_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["review", "decision", "id"], name="accounts_review_item_by_state"),
            models.Index(fields=["owner", "decision", "id"], name="accounts_review_item_by_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.holder}: {self.role} ({self.on})"
