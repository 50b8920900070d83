"""The governed alias write, in steps that a job can take one by one; see stages.py for the same of a stage.

An alias needs no mark of a coming write: whoever is told of a change while it is written leaves it to the writer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.audit.actions import Action
from apps.audit.services import Actor, Target, record
from apps.registry import connections, placements, summaries
from apps.registry.models import ModelAlias, RegisteredModel
from apps.registry.placements import Place
from apps.registry.stages import NotMoved, lock_model
from apps.registry.syncing.requests import touch


@dataclass(frozen=True)
class SeenAlias:
    """Where an alias points (None: nowhere), and when MLflow was asked."""

    number: int | None
    asked_at: datetime


def read_alias(model: RegisteredModel, alias: str) -> SeenAlias:
    """Return where MLflow says that the alias points. Raises UpstreamUnavailable, or NotVisible for a gone model."""
    asked_at = timezone.now()
    with connections.calls_for(model) as client:
        return SeenAlias(client.get_model(model.name).aliases.get(alias), asked_at)


def write_alias(model: RegisteredModel, alias: str, number: int | None) -> None:
    """Point the alias at a version in MLflow, or remove it (None). Touches no database. Twice does no harm."""
    with connections.calls_for(model) as client:
        if number is None:
            client.delete_alias(model.name, alias)
        else:
            client.set_alias(model.name, alias, number)


def read_alias_back(model: RegisteredModel, alias: str, number: int | None) -> SeenAlias:
    """Return what MLflow says. Raises NotMoved when it is not what was written."""
    seen = read_alias(model, alias)
    if seen.number != number:
        raise NotMoved(_("MLflow accepted the move of @%(alias)s but still shows another version.") % {"alias": alias})
    return seen


def settle_alias(
    model: RegisteredModel, alias: str, seen: SeenAlias, *, by: Actor, reason: str = "", **data: Any
) -> None:
    """Make the mirror say what was seen, in the caller's transaction, and audit it if that changes anything.

    Answers that MLflow gave to earlier questions no longer count for this model. Where the mirror holds a later one
    already that says otherwise, the model is read again: somebody moved the alias after this write, and that is told.
    """
    lock_model(model.pk)
    seen_at = RegisteredModel.objects.values_list("seen_at", flat=True).get(pk=model.pk)
    held = ModelAlias.objects.filter(model=model, alias=alias)
    before = held.values_list("version__number", flat=True).first()
    version = model.versions.filter(number=seen.number).first() if seen.number is not None else None
    if before != seen.number and (version or seen.number is None):
        held.delete()
        if version:
            ModelAlias.objects.create(model=model, alias=alias, version=version)
        place = Place(model.pk, version.pk if version else None, seen.asked_at, alias=alias)
        placements.move([place], placements.writer(data), placements.decision(data))
        changed = {"before": {"aliases": _shown(alias, before)}, "after": {"aliases": _shown(alias, seen.number)}}
        target = Target(str(model.kind), model.reference, model.pk)
        record(Action.MODEL_CHANGED, by=by, target=target, reason=reason, **{**data, **changed})
    if seen_at is None or seen_at <= seen.asked_at:
        RegisteredModel.objects.filter(pk=model.pk).update(seen_at=seen.asked_at)
    elif before != seen.number:
        touch(str(model.connection_id), model.name)
    summaries.refresh([model.pk])


def _shown(alias: str, number: int | None) -> dict[str, int]:
    return {} if number is None else {alias: number}
