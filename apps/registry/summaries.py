"""What lists show and filter by, kept beside each model: a page of ten thousand models reads one table.

`refresh` runs in the transaction that changes what it sums up, and writes only what differs.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models.fields.json import KeyTransform

from apps.accounts import granting
from apps.registry import copying, granted
from apps.registry.models import DetailsState, ModelAlias, ModelFacet, ModelVersion, RegisteredModel, Stage

MAX_VALUE = 250  # characters of a facet's value
MAX_SEARCHED = 20_000  # characters of a model's text that the search looks at
BATCH = 2000
CURRENT, READING, UNREADABLE = "current", "reading", "unreadable"  # sync states
COLUMNS = (
    "owner", "risk", "framework", "version_count", "newest_number", "newest_stage", "production_number",
    "production_since", "candidate_number", "candidate_stage", "alias_numbers", "sync_state", "search_text",
)  # fmt: skip


class _Version(NamedTuple):
    pk: int
    number: int
    stage: str
    stage_since: datetime | None
    details_state: str


def refresh(model_ids: Iterable[int]) -> None:
    """Bring the summaries and facets of these models up to date, in the caller's transaction.

    Costs one query per table, however many models: pass a whole batch at once.
    """
    models = RegisteredModel.objects.filter(pk__in=list(model_ids)).in_bulk()
    versions, aliases = _versions(models), _aliases(models)
    flavors = _flavors([_shown(rows) for rows in versions.values()])
    changed, moved = [], []
    for pk, model in models.items():
        values = _summary(model, versions.get(pk, []), aliases[pk], flavors)
        if model.risk != values["risk"]:
            moved.append(pk)
        if any(getattr(model, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(model, name, value)
            changed.append(model)
    _write_summaries(changed)
    granting.follow(moved)
    stages = {pk: {row.stage for row in rows} for pk, rows in versions.items()}
    _write_facets(
        {(pk, *pair) for pk, model in models.items() for pair in _facets(model, stages.get(pk, set()))}, models
    )


def fill(model: RegisteredModel, versions: Iterable[ModelVersion], aliases: dict[str, int]) -> None:
    """Give a model that is not stored yet the summary of what will be stored with it: no second write is needed."""
    newest_first = sorted((_unstored(row) for row in versions), key=lambda row: -row.number)
    for name, value in _summary(model, newest_first, aliases, {}).items():
        setattr(model, name, value)


def add_facets(models: Iterable[tuple[RegisteredModel, Iterable[str]]]) -> None:
    """Store the facets of models that are new, each with the stages of its versions."""
    copying.insert(
        [
            ModelFacet(model_id=model.pk, facet=facet, value=value)
            for model, stages in models
            for facet, value in sorted(_facets(model, set(stages)))
        ]
    )


def set_counts(model_id: int, *, open_requests: int | None = None, open_drift: int | None = None) -> None:
    """Note how many requests, or drift findings, of a model are unsettled. For the app that owns them."""
    given = {"open_requests": open_requests, "open_drift": open_drift}
    RegisteredModel.objects.filter(pk=model_id).update(**{name: n for name, n in given.items() if n is not None})
    if open_requests == 0:
        granted.release_later(model_id)


def tag_value(tags: dict[str, Any], names: Iterable[str]) -> str:
    """Return the first of these tags that is set, cut to a column's length."""
    return next((str(tags[name])[:MAX_VALUE] for name in names if tags.get(name)), "")


def _versions(models: dict[int, RegisteredModel]) -> dict[int, list[_Version]]:
    """Return the versions that live, newest first, by model; models without one are left out."""
    rows = ModelVersion.objects.filter(model__in=list(models), deleted_at=None).values_list(
        "model_id", *_Version._fields
    )
    found: dict[int, list[_Version]] = defaultdict(list)
    for pk, *version in rows:
        found[pk].append(_Version(*version))
    for versions in found.values():
        versions.sort(key=lambda row: -row.number)
    return found


def _unstored(row: ModelVersion) -> _Version:
    return _Version(0, row.number, row.stage, row.stage_since, row.details_state)


def _aliases(models: dict[int, RegisteredModel]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = ModelAlias.objects.filter(model__in=list(models)).order_by("alias")
    for pk, alias, number in rows.values_list("model_id", "alias", "version__number"):
        found[pk][alias] = number
    return found


def _shown(newest_first: list[_Version]) -> _Version:
    """Choose the version that stands for its model: the one in Production, else the newest."""
    return next((row for row in newest_first if row.stage == Stage.PRODUCTION), newest_first[0])


def _flavors(shown: list[_Version]) -> dict[int, Any]:
    """Return the flavors in the MLmodel of these versions, by version."""
    rows = ModelVersion.objects.filter(pk__in=[row.pk for row in shown])
    return dict(rows.annotate(flavors=KeyTransform("flavors", "mlmodel")).values_list("pk", "flavors"))


def _framework(flavors: Any) -> str:
    """Return the library's own flavor; python_function stands in every MLmodel and says least."""
    names = list(flavors) if isinstance(flavors, dict) else []
    return next((name for name in names if name != "python_function"), names[0] if names else "")[:MAX_VALUE]


def _summary(
    model: RegisteredModel, newest_first: list[_Version], aliases: dict[str, int], flavors: dict[int, Any]
) -> dict[str, Any]:
    production = next((row for row in newest_first if row.stage == Stage.PRODUCTION), None)
    candidate = _candidate(newest_first, production)
    newest = newest_first[0] if newest_first else None
    owner = tag_value(model.tags, settings.INVENTORY_OWNER_TAGS)
    return {
        "owner": owner,
        "risk": tag_value(model.tags, settings.INVENTORY_RISK_TAGS),
        "framework": _framework(flavors.get(_shown(newest_first).pk)) if newest_first else "",
        "version_count": len(newest_first),
        "newest_number": newest.number if newest else None,
        "newest_stage": newest.stage if newest else "",
        "production_number": production.number if production else None,
        "production_since": production.stage_since if production else None,
        "candidate_number": candidate.number if candidate else None,
        "candidate_stage": candidate.stage if candidate else "",
        "alias_numbers": aliases,
        "sync_state": _sync_state(newest_first),
        "search_text": _search_text(model, aliases),
    }


def _candidate(newest_first: list[_Version], production: _Version | None) -> _Version | None:
    """Choose what comes next: the newest in Staging, else the newest without a stage that is newer than Production."""
    staged = next((row for row in newest_first if row.stage == Stage.STAGING), None)
    floor = production.number if production else 0
    fresh = next((row for row in newest_first if row.stage == Stage.NONE and row.number > floor), None)
    return staged or fresh


def _sync_state(newest_first: list[_Version]) -> str:
    if not newest_first:
        return CURRENT
    state = _shown(newest_first).details_state
    return {DetailsState.PENDING: READING, DetailsState.FAILED: UNREADABLE}.get(DetailsState(state), CURRENT)


def _search_text(model: RegisteredModel, aliases: dict[str, int]) -> str:
    pairs = (f"{key}={value}" for key, value in sorted(model.tags.items()))  # PostgreSQL sorts them in its own way
    parts = [model.reference, model.description, *pairs, *(f"@{alias}" for alias in sorted(aliases))]
    return "\n".join(parts).casefold()[:MAX_SEARCHED]


def _facets(model: RegisteredModel, stages: set[str]) -> set[tuple[str, str]]:
    """Return the (facet, value) pairs of a model: what it can have several of. The rest are columns of its own."""
    found = {("stage", stage) for stage in stages}
    found |= {("alias", alias[:MAX_VALUE]) for alias in model.alias_numbers}
    for key, value in model.tags.items():
        if key:
            found |= {("tag", key[:MAX_VALUE]), ("pair", f"{key}={value}"[:MAX_VALUE])}
    return found


def _write_summaries(changed: list[RegisteredModel]) -> None:
    """Write the summary columns. Row by row in one call: Django's bulk_update takes ten times as long."""
    fields: list[Any] = [RegisteredModel._meta.get_field(name) for name in COLUMNS]
    columns = ", ".join(f"{field.column} = %s" for field in fields)
    statement = f"UPDATE {RegisteredModel._meta.db_table} SET {columns} WHERE id = %s"  # noqa: S608 - our own names
    rows = [
        [*(field.get_db_prep_save(getattr(model, field.attname), connection) for field in fields), model.pk]
        for model in changed
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)


def _write_facets(wanted: set[tuple[int, str, str]], models: Iterable[int]) -> None:
    """Make the facets of `models` exactly these (model, facet, value)."""
    there = ModelFacet.objects.filter(model__in=list(models)).values_list("model_id", "facet", "value", "pk")
    found = {(pk, facet, value): row for pk, facet, value, row in there}
    if superfluous := [row for key, row in found.items() if key not in wanted]:
        ModelFacet.objects.filter(pk__in=superfluous).delete()
    missing = sorted(wanted - found.keys())
    copying.insert([ModelFacet(model_id=pk, facet=facet, value=value) for pk, facet, value in missing])
