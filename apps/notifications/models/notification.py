"""What a person is told of."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.notifications.wording import sentence


class Kind(models.TextChoices):
    """What a notification is about; people choose per kind how they hear of it."""

    REVIEW_NEEDED = "review_needed", _("A review is needed")
    DECIDED = "decided", _("A request was decided or applied")
    CHANGED = "changed", _("Evidence changed, or reviews were dismissed")
    REMINDER = "reminder", _("Reminders and expiry")
    FAILED = "failed", _("Something failed")
    DRIFT = "drift", _("MLflow was changed without a decision")
    BYPASS = "bypass", _("A policy is bypassed")
    POLICY = "policy", _("Policies and freezes")
    ACCESS = "access", _("Access is to be reviewed")
    ACCOUNT = "account", _("Your own account is changed")
    OTHER = "other", _("Everything else")


class Notification(models.Model):
    """One event of the trail, told to one person. What it says is kept as data, and put into words when it is shown."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    event_id = models.BigIntegerField()  # of the trail
    model_id = models.BigIntegerField(null=True)  # the mirror's registered model: who may not read it sees nothing
    action = models.CharField(max_length=40)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    text = models.TextField()  # the sentence as it is translated, with places for `values`
    values = models.JSONField(default=dict)
    url = models.TextField(blank=True)  # a path on this server
    created_at = models.DateTimeField()  # of the event
    read_at = models.DateTimeField(null=True)
    mail_at = models.DateTimeField(null=True)  # when it is due by e-mail; null: it is not mailed
    mailed_at = models.DateTimeField(null=True)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    mail_error = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "event_id"], name="notifications_once_each")]
        indexes = [
            models.Index(fields=["user", "-event_id"], name="notifications_of_person"),
            models.Index(fields=["user", "model_id"], condition=Q(read_at=None), name="notifications_unread"),
            models.Index(
                fields=["mail_at"], condition=Q(mail_at__isnull=False, mailed_at=None), name="notifications_mail_due"
            ),
            models.Index(
                fields=["user", "mail_at"],
                condition=Q(mail_at__isnull=False, mailed_at=None),
                name="notifications_mail_of_person",
            ),
            models.Index(fields=["read_at"], condition=Q(read_at__isnull=False), name="notifications_by_read"),
        ]

    def __str__(self) -> str:
        return f"event {self.event_id} for {self.user_id}"

    @property
    def sentence(self) -> str:
        """What happened, in the reader's language."""
        return sentence(self.text, self.values)
