"""What the page of a comparison shows, put together: columns, pickers, sentences and tables."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.registry import queries
from apps.registry.comparing import Comparison, comparisons
from apps.registry.comparing.sections import sections
from apps.registry.comparing.sentences import in_short
from apps.registry.models import DetailsState, ModelVersion

LONGEST_LABEL = 28


@dataclass(frozen=True)
class Column:
    """A version on the page: how it is named there, and where its buttons lead (empty: nowhere)."""

    version: ModelVersion
    label: str
    as_base: str = ""
    without: str = ""


@dataclass(frozen=True)
class Picker:
    """A field that chooses a version."""

    name: str
    label: str
    chosen: str
    column: Column | None


def picker_context(user: Any, base: ModelVersion | None, candidates: list[ModelVersion]) -> dict[str, Any]:
    """Return the fields that choose versions, what they offer, and one-click bases."""
    versions = [version for version in (base, *candidates) if version]
    columns = columns_of(base, candidates)
    by_version = {column.version.pk: column for column in columns}
    pickers = [_picker("base", _("Base"), base, by_version)]
    for place, version in enumerate(candidates or [None], 1):
        label = _("Candidate") if len(candidates) < 2 else _("Candidate %(number)d") % {"number": place}
        pickers.append(_picker("candidate", label, version, by_version))
    return {
        "pickers": pickers,
        "groups": [(model.reference, [_option(row) for row in rows]) for model, rows in comparisons.choices(versions)],
        "suggestions": comparisons.suggestions(user),
        "may_add": 1 < len(versions) < comparisons.MOST,
        "bases": _bases(base, candidates),
        "model": candidates[0].model if candidates else base.model if base else None,
        "most": comparisons.MOST,
    }


def columns_of(base: ModelVersion | None, candidates: list[ModelVersion]) -> list[Column]:
    """Return the columns with their buttons. A candidate made the base changes places with it."""
    versions = [version for version in (base, *candidates) if version]
    one_model = len({version.model_id for version in versions}) == 1
    columns = []
    for version in versions:
        others = [other for other in candidates if other is not version]
        moved = [base if other is version else other for other in candidates]
        columns.append(
            Column(
                version,
                label_of(version, one_model=one_model),
                as_base=address(version, [row for row in moved if row]) if base and version is not base else "",
                without=address(base, others) if version is not base and len(candidates) > 1 else "",
            )
        )
    return columns


def label_of(version: ModelVersion, *, one_model: bool) -> str:
    """Name a version as shortly as is clear among the others: "v3", or "churn v3"."""
    if one_model:
        return f"v{version.number}"
    name = version.model.reference
    return f"{name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + '…'} v{version.number}"


def address(base: ModelVersion | None, candidates: list[ModelVersion]) -> str:
    """Return the address of a comparison."""
    return f"{reverse('registry:compare')}?{query_of(base, candidates)}"


def query_of(base: ModelVersion | None, candidates: list[ModelVersion]) -> str:
    """Return what stands after the question mark."""
    chosen = [("base", base)] if base else []
    return urlencode(
        [(name, reference_of(row)) for name, row in [*chosen, *(("candidate", row) for row in candidates)]]
    )


def reference_of(version: ModelVersion) -> str:
    """Name a version as addresses do: "churn@3"."""
    return f"{version.model.reference}@{version.number}"


def comparison_context(comparison: Comparison) -> dict[str, Any]:
    """Return the tables and sentences of a comparison."""
    base, *candidates = comparison.versions
    columns = columns_of(base, candidates)
    labels = [column.label for column in columns]
    later = range(len(candidates))
    return {
        "comparison": comparison,
        "columns": columns,
        "labels": labels,
        "pair": len(columns) == 2,
        "shorts": [(columns[place + 1], in_short(comparison, place)) for place in later],
        "other_data": [labels[place + 1] for place in later if comparison.same_data(place) is False],
        "incomplete": [column.label for column in columns if column.version.details_state != DetailsState.LOADED],
        "sections": sections(comparison, labels),
        "pictures": [(row.name, list(zip(columns, row.values, strict=True))) for row in comparison.pictures],
        "query": query_of(base, candidates),
    }


def _picker(name: str, label: str, version: ModelVersion | None, columns: dict[int, Column]) -> Picker:
    return Picker(name, label, reference_of(version) if version else "", columns[version.pk] if version else None)


def _option(version: ModelVersion) -> tuple[str, str]:
    parts = [f"{version.model.reference[:48]} v{version.number}"]
    if version.stage != "None":
        parts.append(version.get_stage_display())
    if version.deleted_at:
        parts.append(_("deleted"))
    return reference_of(version), " · ".join(parts)


def _bases(base: ModelVersion | None, candidates: list[ModelVersion]) -> list[tuple[str, str]]:
    """Return other bases that are wanted often: the version in Production, and the one before it."""
    if not candidates:
        return []
    model = candidates[0].model
    production = queries.production_version(model)
    wanted = [
        (production, _("Compare with v%(number)d, in Production now")),
        (comparisons.previous_production(model, production), _("Compare with v%(number)d, in Production before")),
    ]
    shown = {version.pk for version in (base, *candidates) if version}
    return [
        (text % {"number": row.number}, address(_of(row, candidates[0]), candidates))
        for row, text in wanted
        if row and row.pk not in shown
    ]


def _of(row: ModelVersion, other: ModelVersion) -> ModelVersion:
    row.model = other.model
    return row
