"""The directions of metrics that admins set, and the metrics that still lack one."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import InvalidInput, NotAllowed
from apps.registry import queries
from apps.registry.comparing import Directions
from apps.registry.models import MetricDirection, ModelVersion

MAX_NAME = 250
NEWEST = 300  # rows of versions that are looked through for metrics without a direction


def load() -> Directions:
    """Read what admins said, in one query. Ask once for a request or job, and hand it on."""
    return Directions(dict(MetricDirection.objects.values_list("metric", "direction")))


def set_direction(metric: str, direction: str | None, *, by: User) -> MetricDirection | None:
    """Say which way a metric is better, for every model; None: the words of its name decide again.

    Needs policy:manage. Raises NotAllowed, or InvalidInput naming the field.
    """
    with audit.attempt(Action.METRIC_DIRECTION_SET, by=grants.actor(by), target=Target("metric", metric)) as trial:
        if not grants.allows(by, Permission.POLICY_MANAGE):
            raise NotAllowed(_("Only an admin may say which way a metric is better. Ask one."))
        if not metric.strip() or "\0" in metric or len(metric) > MAX_NAME:
            message = _("Write the exact name of a metric, at most %(most)d characters.") % {"most": MAX_NAME}
            raise InvalidInput(message, field="metric")
        if direction not in (MetricDirection.HIGHER, MetricDirection.LOWER, None):
            raise InvalidInput(_("Choose “higher” or “lower”, or nothing to remove it."), field="direction")
        before = MetricDirection.objects.select_for_update().filter(metric=metric).first()
        row = None
        if direction:
            said = {"direction": direction, "set_by": by.get_username()}
            row, _made = MetricDirection.objects.update_or_create(metric=metric, defaults=said)
        elif before:
            MetricDirection.objects.filter(metric=metric).delete()
        trial.done(before={"direction": before and before.direction}, after={"direction": direction})
    return row


def without_direction(user: Any, directions: Directions) -> list[tuple[str, int]]:
    """Return the metrics whose direction is not known, with the number of versions that have them, most first.

    Looks at the newest versions only, whatever the size of the registry, and of these at what `user` may see.
    """
    last = ModelVersion.objects.aggregate(last=Max("pk"))["last"] or 0
    logged = queries.visible_versions(user).filter(pk__gt=last - NEWEST).values_list("metrics", flat=True)
    return _counted(logged, directions)


def _counted(logged: Iterable[dict[str, Any]], directions: Directions) -> list[tuple[str, int]]:
    seen: dict[str, int] = {}
    for metrics in logged:
        for name in metrics:
            seen[name] = seen.get(name, 0) + 1
    unknown = [(name, count) for name, count in seen.items() if directions.of(name) is None and len(name) <= MAX_NAME]
    return sorted(unknown, key=lambda pair: (-pair[1], pair[0]))
