"""Writing a plan into the mirror, with its audit events, in the caller's transaction."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from apps.accounts import granting
from apps.audit.actions import Action, Source
from apps.audit.services import Actor, Entry, Target, record_all
from apps.masking import masked
from apps.registry import claims, copying, placements, summaries
from apps.registry.models import Kind, ModelAlias, ModelVersion, PlacedBy, RegisteredModel, Stage
from apps.registry.observers import Change, Changed
from apps.registry.placements import Place
from apps.registry.planning import VERSION_FIELDS, Local, ModelChange, Plan, Remote, VersionChange
from apps.registry.remote import RemoteModel, RemoteVersion

MLFLOW = Actor("mlflow")
BATCH = 500
NEW_VERSION = (*VERSION_FIELDS, "number", "stage", "created_at", "updated_at")
WRITTEN = (
    *VERSION_FIELDS, "stage", "created_at", "updated_at", "deleted_at", "seen_at", "details_due_at", "stage_since",
)  # fmt: skip
COMPARED = ("model", "number", "pending_stage", *WRITTEN)


@dataclass
class Written:
    """What `apply` did. `counts`: created, changed, deleted; `changes` for the observers; `entries` for the trail."""

    counts: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    aliases: list[ModelAlias] = field(default_factory=list)  # to be created once all are known
    pointed: list[Place] = field(default_factory=list)  # where aliases of known models point from now on

    def say(self, action: Action, local: Local, number: int | None = None, **data: Any) -> None:
        """Note an event about a model, or about a version of it."""
        name = local.row.reference if number is None else f"{local.row.reference} v{number}"
        target = Target(str(local.row.kind) if number is None else "version", name, local.row.pk)
        claim = claims.current()
        if claim and claim.covers(action, number):
            self.entries.append(Entry(action, claim.by, target, data=data))
        else:
            self.entries.append(Entry(action, MLFLOW, target, source=Source.MLFLOW, data=data))


def load(connection: str, names: Iterable[str], created: Iterable[datetime] = (), *, lock: bool = False) -> list[Local]:
    """Read live models of a connection, those of `names` and those `created` then, without their versions' details.

    `lock` needs a transaction: models before versions, each in the order of their keys, as everywhere.
    """
    models = RegisteredModel.objects.filter(connection=connection, deleted_at=None).defer("search_text")
    versions = ModelVersion.objects.only(*COMPARED)
    wanted = Q(name__in=list(names))
    if times := list(created):
        wanted |= Q(created_at__in=times)
    if lock:
        models, versions = models.select_for_update(no_key=True), versions.select_for_update(no_key=True)
    found = {row.pk: Local(row) for row in models.filter(wanted).order_by("pk")}
    for version in versions.filter(model__in=list(found)).order_by("pk"):
        found[version.model_id].versions[version.number] = version
    aliases = ModelAlias.objects.filter(model__in=list(found))
    for model_id, alias, number in aliases.values_list("model_id", "alias", "version__number"):
        found[model_id].aliases[alias] = number
    return list(found.values())


def apply(connection: str, plan: Plan, remote: Remote) -> Written:
    """Write the plan; its gone rows must have been confirmed."""
    written = Written()
    for local in [*plan.replaced_models, *plan.gone_models]:
        _delete_model(local, written)
    _rename(plan.changed_models)
    fresh = _create_models(connection, plan.new_models, remote.versions, written)
    _add_versions(plan.new_versions, written)
    _update_versions(plan.changed_versions, written)
    for local, gone in plan.gone_versions:
        _delete_version(local, gone, written)
    for change in plan.changed_models:
        _update_model(change, written)
    found: list[Place] = []
    for local, model in zip(fresh, plan.new_models, strict=True):
        if local.row.kind == Kind.MODEL:
            found += _set_aliases(local, model.aliases, written, model.asked_at)
    placements.begin(found)
    placements.move(written.pointed, _placed_by())
    copying.insert(written.aliases)
    touched = [*plan.replaced_models, *plan.gone_models, *(change.local for change in plan.changed_models)]
    touched += [pair[0] for pair in (*plan.new_versions, *plan.changed_versions, *plan.gone_versions)]
    summaries.add_facets((local.row, [row.stage for row in local.versions.values()]) for local in fresh)
    summaries.refresh({local.row.pk for local in touched})
    named = {
        change.local.row.pk for change in plan.changed_models if {"name", "tags"} & {*change.before, *change.after}
    }
    granting.follow({local.row.pk for local in fresh} | named)
    written.counts = _counts(plan, fresh)
    record_all(written.entries)
    return written


def _placed_by() -> PlacedBy:
    claim = claims.current()
    return PlacedBy.ASSENT if claim and claim.covers(Action.MODEL_CHANGED, None) else PlacedBy.MLFLOW


def confirm(found: list[Local], remote: Remote) -> None:
    """Note of rows that MLflow's answers left as they are when it was asked, in the transaction that locked them."""
    models: dict[datetime, list[int]] = {}
    versions: dict[datetime, list[int]] = {}
    for local in found:
        theirs = remote.models.get(local.row.name)
        same = theirs is not None and theirs.created_at == local.row.created_at
        # An alias of a version that is not mirrored yet: an answer asked for earlier has its use still.
        if theirs and same and set(theirs.aliases.values()) <= set(local.versions) and _is_news(local.row, theirs):
            models.setdefault(theirs.asked_at, []).append(local.row.pk)
        for number, version in remote.versions.get(local.row.name, {}).items():
            if (row := local.versions.get(number)) and _is_news(row, version):
                versions.setdefault(version.asked_at, []).append(row.pk)
    for asked_at, keys in models.items():
        RegisteredModel.objects.filter(pk__in=keys).update(seen_at=asked_at)
    for asked_at, keys in versions.items():
        ModelVersion.objects.filter(pk__in=keys).update(seen_at=asked_at)


def _is_news(row: RegisteredModel | ModelVersion, remote: RemoteModel | RemoteVersion) -> bool:
    return row.seen_at is None or row.seen_at < remote.asked_at


def _counts(plan: Plan, fresh: list[Local]) -> Counter[str]:
    return Counter(
        created=len(plan.new_models) + len(plan.new_versions) + sum(len(local.versions) for local in fresh),
        changed=len(plan.changed_models) + len(plan.changed_versions),
        deleted=len(plan.replaced_models) + len(plan.gone_models) + len(plan.gone_versions),
    )


def update_versions(changes: list[tuple[Local, VersionChange]]) -> list[Change]:
    """Write changed versions in bulk and audit each. Returns the moves that MLflow made."""
    written = Written()
    _update_versions(changes, written)
    record_all(written.entries)
    return written.changes


def _update_versions(changes: list[tuple[Local, VersionChange]], written: Written) -> None:
    now, moved = timezone.now(), []
    for local, change in changes:
        row, moved_from, was_deleted = change.row, change.row.stage, change.row.deleted_at is not None
        if {"source", "run_id", "status"} & set(change.after) or was_deleted:
            row.details_due_at = now
        _take(row, change)
        if was_deleted:
            moved.append(Place.in_stage(row, change.remote.asked_at, found=True))
            written.say(Action.VERSION_MIRRORED, local, row.number, after=described(change.remote))
            if local.row.kind == Kind.MODEL:
                written.changes.append(Change(Changed.RETURNED, local.row, row, moved_from, row.stage))
            continue
        if change.before or change.after:
            written.say(Action.VERSION_CHANGED, local, row.number, before=change.before, after=change.after)
            if local.row.kind == Kind.MODEL:
                told = {"changed": sorted({*change.before, *change.after})}
                written.changes.append(Change(Changed.DETAILS, local.row, row, None, None, details=told))
        if change.stage:
            moved.append(Place.in_stage(row, change.remote.updated_at))
            before, after = {"stage": moved_from}, {"stage": row.stage}
            written.say(Action.VERSION_STAGE_CHANGED, local, row.number, before=before, after=after)
            written.changes.append(Change(Changed.STAGE, local.row, row, moved_from, row.stage))
    ModelVersion.objects.bulk_update([change.row for _, change in changes], WRITTEN, batch_size=BATCH)
    placements.move(moved)


def _take(row: ModelVersion, change: VersionChange) -> None:
    """Give a row the values that MLflow shows."""
    for name in VERSION_FIELDS:
        setattr(row, name, getattr(change.remote, name))
    if change.stage:
        row.stage, row.stage_since = change.stage, change.remote.updated_at
    row.created_at, row.updated_at, row.deleted_at = change.remote.created_at, change.remote.updated_at, None
    row.seen_at = change.remote.asked_at


def _arrival(local: Local, row: ModelVersion) -> list[Change]:
    """Return the news of a version that came with a stage: MLflow registers every version without one."""
    came_without = row.stage == Stage.NONE or local.row.kind != Kind.MODEL
    return [] if came_without else [Change(Changed.STAGE, local.row, row, Stage.NONE.value, row.stage)]


def described(version: RemoteVersion | ModelVersion) -> dict[str, Any]:
    """What the trail tells of a version that is new here."""
    return {"stage": version.stage, "run_id": version.run_id, "source": masked(version.source)[:300]}


def _create_models(
    connection: str, models: list[RemoteModel], versions: dict[str, dict[int, RemoteVersion]], written: Written
) -> list[Local]:
    """Create models with their versions; one event per model lists the versions that came with it."""
    fresh = [Local(_new_model(connection, model)) for model in models]
    new: list[ModelVersion] = []
    for local, model in zip(fresh, models, strict=True):
        theirs = versions.get(model.name, {}).values() if local.row.kind == Kind.MODEL else ()
        local.versions = {version.number: _new_version(local.row, version) for version in theirs}
        new += local.versions.values()
        pointing = {alias: number for alias, number in model.aliases.items() if number in local.versions}
        summaries.fill(local.row, local.versions.values(), pointing)
    copying.insert([local.row for local in fresh])
    for row in new:
        row.model_id = row.model.pk  # known only now
    copying.insert(new)
    _place(new)
    for local in fresh:
        listed = [{"number": row.number, **described(row)} for row in local.versions.values()]
        written.say(Action.MODEL_MIRRORED, local, after={"kind": local.row.kind, "versions": listed})
        written.changes += [change for row in local.versions.values() for change in _arrival(local, row)]
    return fresh


def _new_model(connection: str, model: RemoteModel) -> RegisteredModel:
    return RegisteredModel(
        connection_id=connection,
        name=model.name,
        kind=Kind.PROMPT if model.is_prompt else Kind.MODEL,
        description=model.description,
        tags=model.tags,
        created_at=model.created_at,
        updated_at=model.updated_at,
        seen_at=model.asked_at,
    )


def _add_versions(pairs: list[tuple[Local, RemoteVersion]], written: Written) -> None:
    """Create versions of models that were mirrored before, with an event for each."""
    _create_versions(pairs)
    for local, version in pairs:
        written.say(Action.VERSION_MIRRORED, local, version.number, after=described(version))
        written.changes += _arrival(local, local.versions[version.number])


def _create_versions(pairs: list[tuple[Local, RemoteVersion]]) -> None:
    rows = [_new_version(local.row, version) for local, version in pairs]
    copying.insert(rows)
    _place(rows)
    for (local, _), row in zip(pairs, rows, strict=True):
        local.versions[row.number] = row


def _place(rows: Iterable[ModelVersion]) -> None:
    """Note in which stages new versions are."""
    placements.begin(Place.in_stage(row, row.updated_at) for row in rows)


def _new_version(model: RegisteredModel, version: RemoteVersion) -> ModelVersion:
    return ModelVersion(
        model=model,
        details_due_at=timezone.now(),
        stage_since=version.updated_at,
        seen_at=version.asked_at,
        **{name: getattr(version, name) for name in NEW_VERSION},
    )


def _rename(changes: list[ModelChange]) -> None:
    """Free all old names first: A → B and B → C in one go must not meet in the middle."""
    renamed = [change.local.row for change in changes if change.local.row.name != change.remote.name]
    for row in renamed:
        RegisteredModel.objects.filter(pk=row.pk).update(name=f"(being renamed: {row.pk})/")


def _update_model(change: ModelChange, written: Written) -> None:
    row = change.local.row
    if change.before or change.after:
        written.say(Action.MODEL_CHANGED, change.local, before=change.before, after=change.after)
    row.name, row.description, row.tags = change.remote.name, change.remote.description, change.remote.tags
    row.kind = change.after.get("kind", row.kind)
    row.updated_at, row.seen_at = change.remote.updated_at, change.remote.asked_at
    row.save(update_fields=["name", "description", "tags", "kind", "updated_at", "seen_at"])
    if change.aliases is not None:
        written.pointed += _set_aliases(change.local, change.aliases, written, change.remote.asked_at)


def _set_aliases(local: Local, wanted: dict[str, int], written: Written, at: datetime) -> list[Place]:
    """Make the aliases as wanted, and return where those that moved point from then `at` on.

    One that points to a version not mirrored yet waits until that is.
    """
    live = {number: row for number, row in local.versions.items() if row.deleted_at is None}
    wanted = {alias: number for alias, number in wanted.items() if number in live}
    pairs = {alias: (local.aliases.get(alias), wanted.get(alias)) for alias in [*local.aliases, *wanted]}
    moved = {alias: pair for alias, pair in pairs.items() if pair[0] != pair[1]}
    if left := [alias for alias, (old, _) in moved.items() if old is not None]:
        ModelAlias.objects.filter(model=local.row, alias__in=left).delete()
    written.aliases += [
        ModelAlias(model=local.row, alias=alias, version=live[new]) for alias, (_, new) in moved.items() if new
    ]
    written.changes += [
        Change(Changed.ALIAS, local.row, live[new] if new else None, old, new, alias=alias)
        for alias, (old, new) in moved.items()
    ]
    return [Place(local.row.pk, live[new].pk if new else None, at, alias=alias) for alias, (_, new) in moved.items()]


def _delete_model(local: Local, written: Written) -> None:
    now = timezone.now()
    live = {row.number: row for row in local.versions.values() if row.deleted_at is None}
    ModelVersion.objects.filter(model=local.row, deleted_at=None).update(
        deleted_at=now, pending_stage="", details_due_at=None
    )
    ModelAlias.objects.filter(model=local.row).delete()
    placements.end(Q(model=local.row), now)
    RegisteredModel.objects.filter(pk=local.row.pk).update(deleted_at=now, seen_at=local.row.seen_at)
    written.say(Action.MODEL_DELETED, local, before={"versions": sorted(live)})
    if local.row.kind == Kind.MODEL:
        written.changes += _lost(local, local.aliases)
        written.changes += [Change(Changed.DELETED, local.row, row, row.stage, None) for row in live.values()]


def _delete_version(local: Local, row: ModelVersion, written: Written) -> None:
    now = timezone.now()
    lost = {alias: number for alias, number in local.aliases.items() if number == row.number}
    ModelAlias.objects.filter(version=row).delete()
    placements.end(Q(version=row), now)
    local.aliases = {alias: number for alias, number in local.aliases.items() if alias not in lost}
    ModelVersion.objects.filter(pk=row.pk).update(
        deleted_at=now, pending_stage="", details_due_at=None, seen_at=row.seen_at
    )
    row.deleted_at = now
    written.say(Action.VERSION_DELETED, local, row.number, before={"stage": row.stage})
    written.changes += [*_lost(local, lost), Change(Changed.DELETED, local.row, row, row.stage, None)]


def _lost(local: Local, aliases: dict[str, int]) -> list[Change]:
    """Return the news that these aliases went with what they pointed to."""
    return [Change(Changed.ALIAS, local.row, None, number, None, alias=alias) for alias, number in aliases.items()]
