"""What a sync has to change: a pure comparison of MLflow's listing with the mirror's rows."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.registry.models import Kind, ModelVersion, RegisteredModel
from apps.registry.remote import RemoteModel, RemoteVersion

SHOWN_TEXT = 300  # characters of a value that the trail keeps
VERSION_FIELDS = ("description", "tags", "source", "run_id", "status")


@dataclass
class Remote:
    """A complete listing of MLflow, or of the models under consideration."""

    models: dict[str, RemoteModel] = field(default_factory=dict)
    versions: dict[str, dict[int, RemoteVersion]] = field(default_factory=dict)


@dataclass
class Local:
    """A live model of the mirror with all its versions (deleted ones too) and its aliases."""

    row: RegisteredModel
    versions: dict[int, ModelVersion] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)


@dataclass
class ModelChange:
    """A model whose row or aliases differ. `before` and `after` hold what the trail tells; may be empty."""

    local: Local
    remote: RemoteModel
    before: dict[str, Any]
    after: dict[str, Any]
    aliases: dict[str, int] | None  # what they must become; None: unchanged


@dataclass
class VersionChange:
    """A version whose row differs. `stage` is None when it stays."""

    row: ModelVersion
    remote: RemoteVersion
    before: dict[str, Any]
    after: dict[str, Any]
    stage: str | None


@dataclass
class Plan:
    """Everything to write. `gone_*` are only candidates: each needs MLflow's word before it is marked as deleted."""

    new_models: list[RemoteModel] = field(default_factory=list)
    changed_models: list[ModelChange] = field(default_factory=list)
    replaced_models: list[Local] = field(default_factory=list)  # the name now belongs to another model: surely gone
    gone_models: list[Local] = field(default_factory=list)
    new_versions: list[tuple[Local, RemoteVersion]] = field(default_factory=list)
    changed_versions: list[tuple[Local, VersionChange]] = field(default_factory=list)
    gone_versions: list[tuple[Local, ModelVersion]] = field(default_factory=list)

    def groups(self) -> list[set[str]]:
        """The names to work on, in groups that belong together: a renamed model's old and new name."""
        groups = {model.name: {model.name} for model in self.new_models}
        for change in self.changed_models:
            groups[change.local.row.name] = {change.local.row.name, change.remote.name}
        for local in [*self.replaced_models, *self.gone_models]:
            groups.setdefault(local.row.name, {local.row.name})
        touched = [*self.new_versions, *self.changed_versions, *self.gone_versions]
        for local, _ in touched:
            groups.setdefault(local.row.name, {local.row.name})
        return list(groups.values())


def plan(remote: Remote, local: list[Local], *, trust_older: bool = False) -> Plan:
    """Compare. Rows of MLflow that are older than the mirror's are ignored, unless `trust_older`."""
    result = Plan()
    for mine, theirs in _paired(remote, local, result):
        change = model_change(mine, theirs)
        if change and (trust_older or theirs.updated_at >= mine.row.updated_at):
            result.changed_models.append(change)
        if mine.row.kind == Kind.MODEL:
            _compare_versions(mine, remote.versions.get(theirs.name, {}), result, trust_older)
    return result


def model_change(local: Local, remote: RemoteModel) -> ModelChange | None:
    """Return how a model differs, or None. A model never turns into a prompt: a tag must not hide a governed model."""
    row = local.row
    before, after = _differences(row, remote, ("name", "description", "tags"))
    kind = Kind.PROMPT if remote.is_prompt and row.kind == Kind.PROMPT else Kind.MODEL
    if kind != row.kind:
        before["kind"], after["kind"] = row.kind, kind.value
    aliases = {alias: number for alias, number in remote.aliases.items() if row.kind == Kind.MODEL}
    aliases_differ = aliases != local.aliases
    if aliases_differ:
        before["aliases"], after["aliases"] = _changed_keys(local.aliases, aliases)
    if not before and not after and row.updated_at == remote.updated_at:
        return None
    return ModelChange(local, remote, before, after, aliases if aliases_differ else None)


def version_change(row: ModelVersion, remote: RemoteVersion, *, trust_older: bool = False) -> VersionChange | None:
    """Return how a version differs, or None. While Assent writes its stage, the stage is left alone."""
    if remote.updated_at < row.updated_at and not trust_older:
        return None
    before, after = _differences(row, remote, VERSION_FIELDS)
    stage = remote.stage if remote.stage != row.stage and not row.pending_stage else None
    back = row.deleted_at is not None
    if not before and stage is None and row.updated_at == remote.updated_at and not back:
        return None
    return VersionChange(row, remote, before, after, stage)


def _paired(remote: Remote, local: list[Local], result: Plan) -> list[tuple[Local, RemoteModel]]:
    """Pair the mirror's models with MLflow's: by name and creation time, then by being the same under a new name."""
    pairs, missing = [], []
    for mine in local:
        theirs = remote.models.get(mine.row.name)
        if theirs and theirs.created_at == mine.row.created_at:
            pairs.append((mine, theirs))
        else:
            missing.append(mine)
    taken = {theirs.name for _, theirs in pairs}
    new = [model for model in remote.models.values() if model.name not in taken]
    for mine in missing:
        renamed = [model for model in new if _same_model(mine, model, remote.versions.get(model.name, {}))]
        if len(renamed) == 1:
            pairs.append((mine, renamed[0]))
            new.remove(renamed[0])
        elif mine.row.name in remote.models:
            result.replaced_models.append(mine)
        else:
            result.gone_models.append(mine)
    result.new_models = new
    return pairs


def _same_model(mine: Local, theirs: RemoteModel, versions: dict[int, RemoteVersion]) -> bool:
    """Whether it is the same model under another name: MLflow keeps all creation times when it renames."""
    known = {number: row.created_at for number, row in mine.versions.items() if row.deleted_at is None}
    same_versions = all(number in versions and versions[number].created_at == known[number] for number in known)
    return theirs.created_at == mine.row.created_at and same_versions


def _compare_versions(mine: Local, theirs: dict[int, RemoteVersion], result: Plan, trust_older: bool) -> None:
    for number, remote in theirs.items():
        row = mine.versions.get(number)
        if row is None:
            result.new_versions.append((mine, remote))
        elif change := version_change(row, remote, trust_older=trust_older):
            result.changed_versions.append((mine, change))
    for number, row in mine.versions.items():
        if number not in theirs and row.deleted_at is None:
            result.gone_versions.append((mine, row))


def _differences(row: Any, remote: Any, names: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = {}, {}
    for name in names:
        old, new = getattr(row, name), getattr(remote, name)
        if old == new:
            continue
        before[name], after[name] = _changed_keys(old, new) if isinstance(new, dict) else (shown(old), shown(new))
    return before, after


def _changed_keys(old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keep the entries that differ."""
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key) or (key in old) != (key in new)]
    return (
        {key: shown(old[key]) for key in differing if key in old},
        {key: shown(new[key]) for key in differing if key in new},
    )


def shown(value: Any) -> Any:
    """Shorten a text for the trail."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value[:SHOWN_TEXT] + "…" if isinstance(value, str) and len(value) > SHOWN_TEXT else value
