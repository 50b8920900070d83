"""How a person hears of what happens."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class MailChoice(models.TextChoices):
    """Whether and when something is sent by e-mail. It stands on the page in any case."""

    OFF = "off", _("Not by e-mail")
    NOW = "now", _("At once")
    DIGEST = "digest", _("Once a day")


class Preferences(models.Model):
    """One person's choices. Without a row, preferences.DEFAULTS count. Hours are those of the person's time zone."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_preferences"
    )
    mail = models.JSONField(default=dict)  # {kind: MailChoice}; a kind that is missing has its default
    digest_hour = models.PositiveSmallIntegerField(default=8)
    quiet_from = models.PositiveSmallIntegerField(null=True)  # both or none; from 22 to 7 is over midnight
    quiet_to = models.PositiveSmallIntegerField(null=True)
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_to=None) | Q(quiet_from__isnull=False, quiet_to__isnull=False),
                name="notifications_quiet_hours_whole",
            )
        ]

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"
