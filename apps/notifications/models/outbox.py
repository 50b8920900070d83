"""How far the trail was read."""

from django.db import models


class OutboxCursor(models.Model):
    """One row: the last event that everybody was told of. Locking it puts readers of the trail in line."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last_id = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="notifications_one_cursor")]

    def __str__(self) -> str:
        return f"the trail was read to event {self.last_id}"
