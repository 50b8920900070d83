"""What people set about how the mirror is read."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class MetricDirection(models.Model):
    """Which way a metric is better, where an admin said so; without a row the words of its name decide."""

    HIGHER, LOWER = "higher", "lower"
    CHOICES = [(HIGHER, _("Higher is better")), (LOWER, _("Lower is better"))]

    metric = models.CharField(max_length=250, unique=True)  # the exact name
    direction = models.CharField(max_length=10, choices=CHOICES)
    set_by = models.TextField()
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.metric}: {self.direction}"


class SavedView(models.Model):
    """Search, filters and order of the list of models under a name; `query` is what stands in the address."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True)
    shared = models.BooleanField(default=False)  # with everybody; each sees their own models in it
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="registry_view_once_per_owner")]
        indexes = [models.Index(fields=["name"], condition=Q(shared=True), name="registry_shared_views")]

    def __str__(self) -> str:
        return self.name
