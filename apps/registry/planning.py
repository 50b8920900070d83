"""What a sync has to change: a pure comparison of MLflow's listing with the mirror's rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.masking import masked
from apps.registry.models import Kind, ModelVersion, RegisteredModel
from apps.registry.remote import RemoteModel, RemoteVersion

SHOWN_TEXT = 300  # characters of a value that the trail keeps
VERSION_FIELDS = ("description", "tags", "source", "run_id", "status")


@dataclass
class Remote:
    """What MLflow said: a part of its registry, which may lack versions of the models in it.

    Only what a complete listing lacks may be gone, so what is complete is named, with the time of asking.
    """

    models: dict[str, RemoteModel] = field(default_factory=dict)
    versions: dict[str, dict[int, RemoteVersion]] = field(default_factory=dict)
    complete: dict[str, datetime] = field(default_factory=dict)  # models of which all versions are here
    missing: dict[str, datetime] = field(default_factory=dict)  # names that a complete listing of models lacks

    def add_model(self, model: RemoteModel) -> None:
        """Take up a model; of two answers the one asked for later counts."""
        known = self.models.get(model.name)
        if known is None or model.asked_at >= known.asked_at:
            self.models[model.name] = model

    def add_version(self, version: RemoteVersion) -> None:
        """Take up a version; of two answers the one asked for later counts."""
        rows = self.versions.setdefault(version.name, {})
        known = rows.get(version.number)
        if known is None or version.asked_at >= known.asked_at:
            rows[version.number] = version

    def names(self) -> set[str]:
        """Every name that it says something about."""
        return {*self.models, *self.versions, *self.missing}

    def part(self, names: Iterable[str]) -> "Remote":
        """What it says about these names."""
        names = set(names)
        parts = (
            {name: facts[name] for name in names if name in facts}
            for facts in (self.models, self.versions, self.complete, self.missing)
        )
        return Remote(*parts)  # type: ignore[arg-type]


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

    def renamed(self) -> list[ModelChange]:
        """The changes that give a model another name."""
        return [change for change in self.changed_models if change.remote.name != change.local.row.name]

    @property
    def needs_confirmation(self) -> bool:
        """Whether it supposes that something is gone, or renamed."""
        return bool(self.gone_models or self.gone_versions or self.renamed())

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


def plan(remote: Remote, local: list[Local]) -> Plan:
    """Compare. Answers that were asked for before a row's last known state are ignored for that row."""
    result = Plan()
    for mine, theirs in _paired(remote, local, result):
        versions = remote.versions.get(theirs.name, {})
        if change := model_change(mine, theirs, versions):
            result.changed_models.append(change)
        if mine.row.kind == Kind.MODEL:
            _compare_versions(mine, versions, remote.complete.get(theirs.name), result)
    for mine in local:  # versions that came without their model
        if mine.row.kind == Kind.MODEL and mine.row.name not in remote.models:
            _compare_versions(mine, remote.versions.get(mine.row.name, {}), None, result)
    return result


def model_change(local: Local, remote: RemoteModel, versions: dict[int, RemoteVersion]) -> ModelChange | None:
    """Return how a model differs, or None. A model never turns into a prompt: a tag must not hide a governed model.

    An alias of a version that is neither mirrored nor among `versions` waits until the version is seen.
    """
    row = local.row
    if _is_older(remote, row):
        return None
    before, after = _differences(row, remote, ("name", "description", "tags"))
    kind = Kind.PROMPT if remote.is_prompt and row.kind == Kind.PROMPT else Kind.MODEL
    if kind != row.kind:
        before["kind"], after["kind"] = row.kind, kind.value
    known = {number for number, version in local.versions.items() if version.deleted_at is None} | set(versions)
    aliases = {alias: n for alias, n in remote.aliases.items() if row.kind == Kind.MODEL and n in known}
    aliases_differ = aliases != local.aliases
    if aliases_differ:
        before["aliases"], after["aliases"] = _changed_keys(local.aliases, aliases)
    if not before and not after and row.updated_at == remote.updated_at:
        return None
    return ModelChange(local, remote, before, after, aliases if aliases_differ else None)


def version_change(row: ModelVersion, remote: RemoteVersion) -> VersionChange | None:
    """Return how a version differs, or None. While Assent writes its stage, the stage is left alone."""
    if _is_older(remote, row):
        return None
    before, after = _differences(row, remote, VERSION_FIELDS)
    stage = remote.stage if remote.stage != row.stage and not row.pending_stage else None
    back = row.deleted_at is not None
    if not before and stage is None and row.updated_at == remote.updated_at and not back:
        return None
    return VersionChange(row, remote, before, after, stage)


def _is_older(remote: RemoteModel | RemoteVersion, row: RegisteredModel | ModelVersion) -> bool:
    """Whether the answer was asked for before the one that the row holds: by our clock, MLflow's may jump."""
    return row.seen_at is not None and remote.asked_at < row.seen_at


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
        renamed = [model for model in new if model.name in remote.complete and _same_model(mine, model, remote)]
        if len(renamed) == 1:
            pairs.append((mine, renamed[0]))
            new.remove(renamed[0])
        elif mine.row.name in remote.models:
            result.replaced_models.append(mine)
        elif _may_be_gone(mine.row, remote.missing.get(mine.row.name)):
            result.gone_models.append(mine)
    result.new_models = new
    return pairs


def _same_model(mine: Local, theirs: RemoteModel, remote: Remote) -> bool:
    """Whether it is the same model under another name: MLflow keeps all creation times when it renames."""
    versions = remote.versions.get(theirs.name, {})
    known = {number: row.created_at for number, row in mine.versions.items() if row.deleted_at is None}
    same_versions = all(number in versions and versions[number].created_at == known[number] for number in known)
    return theirs.created_at == mine.row.created_at and same_versions


def _compare_versions(
    mine: Local, theirs: dict[int, RemoteVersion], complete_at: datetime | None, result: Plan
) -> None:
    for number, remote in theirs.items():
        row = mine.versions.get(number)
        if row is None:
            result.new_versions.append((mine, remote))
        elif change := version_change(row, remote):
            result.changed_versions.append((mine, change))
    for number, row in mine.versions.items():
        if number not in theirs and row.deleted_at is None and _may_be_gone(row, complete_at):
            result.gone_versions.append((mine, row))


def _may_be_gone(row: RegisteredModel | ModelVersion, missed_at: datetime | None) -> bool:
    """Whether a complete listing lacks it that was asked for after the row was last seen to change."""
    return missed_at is not None and (row.seen_at is None or missed_at >= row.seen_at)


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
    value = masked(value)  # before it is cut: half an address hides nothing
    return value[:SHOWN_TEXT] + "…" if isinstance(value, str) and len(value) > SHOWN_TEXT else value
