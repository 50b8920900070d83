"""The grants that say what people may do, and what follows from them."""

from datetime import UTC, date, timedelta

from django.contrib.auth.models import Group
from django.contrib.auth.models import Permission as DjangoPermission
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.people import User


class GrantScope(models.TextChoices):
    """On what a grant counts."""

    REGISTRY = "registry", _("The whole registry")
    CONNECTION = "connection", _("An MLflow server")
    RISK = "risk", _("A risk tier")
    TAG = "tag", _("A tag")
    PATTERN = "pattern", _("A name pattern")
    MODEL = "model", _("One model")


class Grant(models.Model):
    """A role that a group, or a person, holds on a scope: why, since when, until when, and by whom.

    The truth about who may do what. Which permission is held on which model follows from these rows (granting.py) and
    is kept where every page asks for it. A row is never changed but for its end.
    """

    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, related_name="grants")
    person = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="grants")
    role = models.CharField(max_length=30)  # of roles.py; or a single permission, where no role says it
    scope = models.CharField(max_length=10, choices=GrantScope.choices)
    value = models.CharField(max_length=250, blank=True)  # pattern, tag ("key" or "key=value"), tier, server's name
    model_id = models.BigIntegerField(default=0)  # the mirror's model; 0: the scope is not one model
    until = models.DateTimeField(
        null=True
    )  # from this moment on it does not count, whether it is marked as ended or not
    reason = models.TextField()
    made_by = models.TextField()  # user name, or system:<part>
    made_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(blank=True)
    ended_reason = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(group=None, person__isnull=False) | Q(group__isnull=False, person=None),
                name="accounts_grant_to_group_or_person",
            ),
            models.CheckConstraint(
                condition=Q(scope="model", model_id__gt=0, value="")
                | Q(scope="registry", model_id=0, value="")
                | (Q(scope__in=["connection", "risk", "tag", "pattern"], model_id=0) & ~Q(value="")),
                name="accounts_grant_scope_has_its_value",
            ),
            models.UniqueConstraint(
                fields=["group", "role", "scope", "value", "model_id"],
                condition=Q(ended_at=None, person=None),
                name="accounts_grant_once_per_group",
            ),
            models.UniqueConstraint(
                fields=["person", "role", "scope", "value", "model_id"],
                condition=Q(ended_at=None, group=None),
                name="accounts_grant_once_per_person",
            ),
        ]
        indexes = [
            models.Index(fields=["scope", "model_id"], condition=Q(ended_at=None), name="accounts_grant_by_scope"),
            models.Index(
                fields=["until"], condition=Q(ended_at=None, until__isnull=False), name="accounts_grant_by_until"
            ),
            models.Index(fields=["role", "-id"], name="accounts_grant_by_role"),
            models.Index(fields=["model_id", "id"], name="accounts_grant_by_model"),  # ended ones too
        ]

    def __str__(self) -> str:
        return f"{self.holder}: {self.role}"

    @property
    def holder(self) -> Group | User:
        """The group or the person that holds it."""
        found = self.group or self.person
        assert found is not None  # noqa: S101 - a constraint of the database
        return found

    @property
    def holder_name(self) -> str:
        """The name of the group, or the user name of the person, by which a filter finds it."""
        holder = self.holder
        return holder.get_username() if isinstance(holder, User) else holder.name

    @property
    def last_day(self) -> date | None:
        """The last day, in UTC, on which it counts; None: it has no end."""
        return (self.until - timedelta(microseconds=1)).astimezone(UTC).date() if self.until else None

    @property
    def in_force(self) -> bool:
        """Whether it counts at this moment."""
        return self.ended_at is None and (self.until is None or self.until > timezone.now())


class TimedPermission(models.Model):
    """A permission on the whole installation that ends by itself: Django's own tables cannot say that.

    Follows from grants, as the permissions on single models do.
    """

    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, related_name="timed_permissions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="timed_permissions")
    permission = models.ForeignKey(DjangoPermission, on_delete=models.CASCADE)
    until = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["group", "permission"], name="accounts_timed_once_per_group"),
            models.UniqueConstraint(fields=["user", "permission"], name="accounts_timed_once_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.group or self.user}: {self.permission.codename}"


class GrantLock(models.Model):
    """One row that whoever changes grants, or models that grants reach by their name or tags, holds until the commit.

    Without it a model mirrored in the moment in which a grant ends would keep what the grant gave.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return "grants"


class Acknowledgement(models.Model):
    """That somebody may both register and sign models is known and wanted: why, since when, and by whom."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="acknowledgements")
    reason = models.TextField()
    made_by = models.TextField()
    made_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(blank=True)
    ended_reason = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(ended_at=None), name="accounts_acknowledged_once")
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.reason}"
