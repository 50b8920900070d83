"""Writing a plan into the mirror, with its audit events, in the caller's transaction."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils import timezone

from apps.audit.actions import Action, Source
from apps.audit.services import Actor, Target, record
from apps.registry import summaries
from apps.registry.models import Kind, ModelAlias, ModelVersion, RegisteredModel
from apps.registry.planning import VERSION_FIELDS, Local, ModelChange, Plan, VersionChange
from apps.registry.queries import DETAILS
from apps.registry.remote import RemoteModel, RemoteVersion

MLFLOW = Actor("mlflow")
BATCH = 500
WRITTEN = (*VERSION_FIELDS, "stage", "created_at", "updated_at", "deleted_at", "details_due_at", "stage_since")


def load(names: Iterable[str] | None = None, *, lock: bool = False) -> list[Local]:
    """Read the mirror's live models, or those of `names`, without the versions' details. `lock` needs a transaction."""
    models, versions = RegisteredModel.objects.filter(deleted_at=None), ModelVersion.objects.defer(*DETAILS)
    if names is not None:
        models = models.filter(name__in=list(names))
    if lock:
        models, versions = models.select_for_update(), versions.select_for_update()
    found = {row.pk: Local(row) for row in models.order_by("pk")}
    of_these = Q(model__in=found) if names is not None else Q(model__deleted_at=None)
    if lock:
        of_these = Q(model__in=list(found))
    for version in versions.filter(of_these).order_by("pk"):
        if version.model_id in found:
            found[version.model_id].versions[version.number] = version
    aliases = ModelAlias.objects.filter(model__in=found) if names is not None else ModelAlias.objects.all()
    for model_id, alias, number in aliases.values_list("model_id", "alias", "version__number"):
        if model_id in found:
            found[model_id].aliases[alias] = number
    return list(found.values())


def apply(plan: Plan, remote_versions: dict[str, dict[int, RemoteVersion]]) -> Counter[str]:
    """Write the plan; its gone rows must have been confirmed. Returns counts: created, changed, deleted."""
    counts: Counter[str] = Counter()
    for local in [*plan.replaced_models, *plan.gone_models]:
        _delete_model(local)
    _rename(plan.changed_models)
    fresh = _create_models(plan.new_models, remote_versions)
    for local, rows in _by_model(plan.new_versions):
        _create_versions(local, rows)
        for row in rows:
            _say(Action.VERSION_MIRRORED, local, row.number, after=described(row))
    update_versions(plan.changed_versions)
    for local, gone in plan.gone_versions:
        _delete_version(local, gone)
    for change in plan.changed_models:
        _update_model(change)
    for local, model in zip(fresh, plan.new_models, strict=True):
        if local.row.kind == Kind.MODEL:
            _set_aliases(local, model.aliases)
    touched = [*plan.replaced_models, *plan.gone_models, *fresh, *(change.local for change in plan.changed_models)]
    touched += [pair[0] for pair in (*plan.new_versions, *plan.changed_versions, *plan.gone_versions)]
    summaries.refresh({local.row.pk for local in touched})
    counts["created"] = len(plan.new_models) + len(plan.new_versions) + sum(len(local.versions) for local in fresh)
    counts["changed"] = len(plan.changed_models) + len(plan.changed_versions)
    counts["deleted"] = len(plan.replaced_models) + len(plan.gone_models) + len(plan.gone_versions)
    return counts


def update_versions(changes: list[tuple[Local, VersionChange]]) -> None:
    """Write changed versions in bulk and audit each."""
    now = timezone.now()
    for local, change in changes:
        row, moved_from, was_deleted = change.row, change.row.stage, change.row.deleted_at is not None
        if {"source", "run_id", "status"} & set(change.after) or was_deleted:
            row.details_due_at = now
        for name in VERSION_FIELDS:
            setattr(row, name, getattr(change.remote, name))
        if change.stage:
            row.stage, row.stage_since = change.stage, change.remote.updated_at
        row.created_at, row.updated_at, row.deleted_at = change.remote.created_at, change.remote.updated_at, None
        if was_deleted:
            _say(Action.VERSION_MIRRORED, local, row.number, after=described(change.remote))
        elif change.before or change.after:
            _say(Action.VERSION_CHANGED, local, row.number, before=change.before, after=change.after)
        if change.stage:
            before, after = {"stage": moved_from}, {"stage": row.stage}
            _say(Action.VERSION_STAGE_CHANGED, local, row.number, before=before, after=after)
    ModelVersion.objects.bulk_update([change.row for _, change in changes], WRITTEN, batch_size=BATCH)


def described(version: RemoteVersion) -> dict[str, Any]:
    """What the trail tells of a version that is new here."""
    return {"stage": version.stage, "run_id": version.run_id, "source": version.source[:300]}


def _create_models(models: list[RemoteModel], versions: dict[str, dict[int, RemoteVersion]]) -> list[Local]:
    """Create models with their versions; one event per model lists the versions that came with it."""
    rows = RegisteredModel.objects.bulk_create([_new_model(model) for model in models], batch_size=BATCH)
    fresh = [Local(row) for row in rows]
    for local in fresh:
        theirs = list(versions.get(local.row.name, {}).values()) if local.row.kind == Kind.MODEL else []
        _create_versions(local, theirs)
        listed = [{"number": row.number, **described(row)} for row in theirs]
        _say(Action.MODEL_MIRRORED, local, after={"kind": local.row.kind, "versions": listed})
    return fresh


def _new_model(model: RemoteModel) -> RegisteredModel:
    return RegisteredModel(
        name=model.name,
        kind=Kind.PROMPT if model.is_prompt else Kind.MODEL,
        description=model.description,
        tags=model.tags,
        created_at=model.created_at,
        updated_at=model.updated_at,
    )


def _create_versions(local: Local, versions: list[RemoteVersion]) -> None:
    now = timezone.now()
    fields = (*VERSION_FIELDS, "number", "stage", "created_at", "updated_at")
    rows = ModelVersion.objects.bulk_create(
        [
            ModelVersion(
                model=local.row,
                details_due_at=now,
                stage_since=row.updated_at,
                **{name: getattr(row, name) for name in fields},
            )
            for row in versions
        ],
        batch_size=BATCH,
    )
    local.versions |= {row.number: row for row in rows}


def _rename(changes: list[ModelChange]) -> None:
    """Free all old names first: A → B and B → C in one go must not meet in the middle."""
    renamed = [change.local.row for change in changes if change.local.row.name != change.remote.name]
    for row in renamed:
        RegisteredModel.objects.filter(pk=row.pk).update(name=f"(being renamed: {row.pk})/")


def _update_model(change: ModelChange) -> None:
    row = change.local.row
    if change.before or change.after:
        _say(Action.MODEL_CHANGED, change.local, before=change.before, after=change.after)
    row.name, row.description, row.tags = change.remote.name, change.remote.description, change.remote.tags
    row.kind = change.after.get("kind", row.kind)
    row.updated_at = change.remote.updated_at
    row.save(update_fields=["name", "description", "tags", "kind", "updated_at"])
    if change.aliases is not None:
        _set_aliases(change.local, change.aliases)


def _set_aliases(local: Local, wanted: dict[str, int]) -> None:
    """Make the aliases as wanted. One that points to a version not listed yet waits for the next sync."""
    wanted = {alias: number for alias, number in wanted.items() if number in local.versions}
    differing = [alias for alias, number in local.aliases.items() if wanted.get(alias) != number]
    if differing:
        ModelAlias.objects.filter(model=local.row, alias__in=differing).delete()
    ModelAlias.objects.bulk_create(
        ModelAlias(model=local.row, alias=alias, version=local.versions[number])
        for alias, number in wanted.items()
        if local.aliases.get(alias) != number
    )


def _delete_model(local: Local) -> None:
    now = timezone.now()
    live = [row.number for row in local.versions.values() if row.deleted_at is None]
    ModelVersion.objects.filter(model=local.row, deleted_at=None).update(
        deleted_at=now, pending_stage="", details_due_at=None
    )
    ModelAlias.objects.filter(model=local.row).delete()
    RegisteredModel.objects.filter(pk=local.row.pk).update(deleted_at=now)
    _say(Action.MODEL_DELETED, local, before={"versions": sorted(live)})


def _delete_version(local: Local, row: ModelVersion) -> None:
    ModelAlias.objects.filter(version=row).delete()
    local.aliases = {alias: number for alias, number in local.aliases.items() if number != row.number}
    ModelVersion.objects.filter(pk=row.pk).update(deleted_at=timezone.now(), pending_stage="", details_due_at=None)
    _say(Action.VERSION_DELETED, local, row.number, before={"stage": row.stage})


def _by_model(pairs: list[tuple[Local, RemoteVersion]]) -> list[tuple[Local, list[RemoteVersion]]]:
    grouped: dict[int, tuple[Local, list[RemoteVersion]]] = {}
    for local, version in pairs:
        grouped.setdefault(local.row.pk, (local, []))[1].append(version)
    return list(grouped.values())


def _say(action: Action, local: Local, number: int | None = None, **data: Any) -> None:
    name = local.row.reference if number is None else f"{local.row.reference} v{number}"
    target = Target(str(local.row.kind) if number is None else "version", name, local.row.pk)
    record(action, by=MLFLOW, target=target, source=Source.MLFLOW, **data)
