"""What a person compares: versions by reference, the ones to choose from, and the one that was in Production before."""

import re
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.errors import NotVisible
from apps.registry import queries
from apps.registry.models import ModelVersion, RegisteredModel, Stage

MOST = 5  # versions side by side
MOST_CHOICES = 50  # versions of one model in a picker; others are typed
SUGGESTIONS = 40  # models whose newest version is suggested
LOOKED_BACK = 50  # moves of a model, newest first
Reference = tuple[str, int]
NUMBER = re.compile(r" v(\d{1,9})$")


def versions_of(user: Any, references: Iterable[Reference]) -> list[ModelVersion]:
    """Return the versions in this order, each with its model; two queries per model. Raises NotVisible."""
    wanted = list(references)
    found: dict[Reference, ModelVersion] = {}
    for name in dict.fromkeys(name for name, _number in wanted):
        model = queries.get_model(user, name)
        numbers = [number for other, number in wanted if other == name and number < 2**31]
        for version in model.versions.filter(number__in=numbers):
            version.model = model
            found[name, version.number] = version
    if set(wanted) - set(found):
        raise NotVisible(_("There is no such version of a model, or you may not see it."))
    return [found[reference] for reference in wanted]


def choices(versions: list[ModelVersion]) -> list[tuple[RegisteredModel, list[ModelVersion]]]:
    """Return the models of these versions with their newest versions, and those chosen however old."""
    groups = []
    for model in {version.model_id: version.model for version in versions}.values():
        rows = model.versions.only("number", "stage", "deleted_at", "model_id").order_by("-number")
        newest = {row.number: row for row in rows[:MOST_CHOICES]}
        chosen = {row.number: row for row in versions if row.model_id == model.pk}
        together = chosen | newest
        groups.append((model, [together[number] for number in sorted(together, reverse=True)]))
    return groups


def suggestions(user: Any) -> list[str]:
    """Return the newest version of the first models by name, as references: "churn@7"."""
    models = queries.visible_models(user).filter(deleted_at=None, newest_number__isnull=False).order_by("name", "pk")
    rows = models.only("connection_id", "name", "newest_number")[:SUGGESTIONS]
    return [f"{model.reference}@{model.newest_number}" for model in rows]


def previous_production(model: RegisteredModel, production: ModelVersion | None) -> ModelVersion | None:
    """Return the version that left Production last, as the trail knows; None when it knows none."""
    moves = AuditEvent.objects.filter(model_id=model.pk, action=Action.VERSION_STAGE_CHANGED).order_by("-id")
    for target, data in moves.values_list("target", "data")[:LOOKED_BACK]:
        left = (data.get("before") or {}).get("stage") == Stage.PRODUCTION
        number = NUMBER.search(target)
        if left and number and not (production and int(number[1]) == production.number):
            rows = model.versions.defer(*queries.DETAILS)
            return rows.filter(number=int(number[1]), deleted_at=None).first()
    return None
