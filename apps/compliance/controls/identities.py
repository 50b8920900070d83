"""What models were called at a moment, and their risk tiers: those of now, each change since then taken back.

The trail tells of each change what was there before. Of what happened before Assent knew a model it tells nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.audit import moments
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.registry.models import RegisteredModel
from apps.registry.summaries import tag_value

RENAMED = Q(data__before__name__isnull=False)
TEXTS = ("data__before__name", "data__before__tags", "data__after__tags")


@dataclass(frozen=True)
class Identity:
    """What a model was called, as addresses write it, and its risk tier."""

    reference: str
    risk: str


def identities(models: Iterable[RegisteredModel], at: datetime | None) -> dict[int, Identity]:
    """Return what each model was called and its risk tier, by its key; `at` None: now. Of the past two queries."""
    models = list(models)
    if at is None or not models:
        return {model.pk: Identity(model.reference, model.risk) for model in models}
    changes = _changes(_since(at).filter(model_id__in=[model.pk for model in models]))
    return {model.pk: _before(model, changes.get(model.pk, [])) for model in models}


def named_then(words: Iterable[str], at: datetime) -> Q:
    """Return the condition on a model that it was renamed since a moment, and had each of these words in its name."""
    words, found = [word.casefold() for word in words], []
    changes = _changes(_since(at).filter(RENAMED))
    for model in RegisteredModel.objects.filter(pk__in=changes):
        was = _before(model, changes[model.pk]).reference.casefold()
        if all(word in was for word in words):
            found.append(model.pk)
    return Q(pk__in=found)


def of_tier_then(risk: str, at: datetime) -> Q:
    """Return the condition on a model that it was of a risk tier at a moment."""
    tags: Any = settings.INVENTORY_RISK_TAGS
    touched = Q(data__before__tags__has_any_keys=tags) | Q(data__after__tags__has_any_keys=tags)
    changes = _changes(_since(at).filter(touched))
    moved = RegisteredModel.objects.filter(pk__in=changes)
    were = [model.pk for model in moved if _before(model, changes[model.pk]).risk == risk]
    return Q(pk__in=were) | (Q(risk=risk) & ~Q(pk__in=list(changes)))


def _since(at: datetime) -> QuerySet[AuditEvent]:
    """Return the changes of models after a moment, the oldest first."""
    first, _after = moments.numbers_within(at, None)
    return AuditEvent.objects.filter(action=Action.MODEL_CHANGED, id__gte=first, at__gt=at).order_by("id")


def _changes(events: QuerySet[AuditEvent]) -> dict[int, list[tuple[Any, dict[str, Any], dict[str, Any]]]]:
    """Return by model, in their order, the name before, and the tags before and after, of each change."""
    found: dict[int, list[tuple[Any, dict[str, Any], dict[str, Any]]]] = {}
    for model_id, name, before, after in events.values_list("model_id", *TEXTS):
        found.setdefault(model_id or 0, []).append((name, before or {}, after or {}))
    return found


def _before(model: RegisteredModel, changes: list[tuple[Any, dict[str, Any], dict[str, Any]]]) -> Identity:
    """Return what a model was before its first of these changes; a later change of the same thing adds nothing."""
    names = [str(name) for name, _before_it, _after_it in changes if name is not None]
    tags, told = dict(model.tags), set[str]()
    for _name, before, after in changes:
        for key in {*before, *after} - told:
            if key in before:
                tags[key] = before[key]
            else:
                tags.pop(key, None)
        told |= {*before, *after}
    was = RegisteredModel(connection_id=model.connection_id, name=names[0] if names else model.name)
    return Identity(was.reference, tag_value(tags, settings.INVENTORY_RISK_TAGS))
