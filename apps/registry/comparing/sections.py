"""The tables of a comparison as pages show them: differences first, what is unchanged folded away."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from apps.masking import masked
from apps.registry.comparing import Comparison, Row
from apps.registry.comparing.signature import BREAKING, COMPATIBLE

LONGEST = 400  # characters of a value; the export has all


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands under one version. `change` is how it differs from the base; empty in the base itself."""

    label: str
    text: str
    change: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row. `effect` and `note` are those of its worst change."""

    name: str
    change: str
    effect: str
    note: str
    cells: list[Cell]


@dataclass(frozen=True)
class Section:
    """One table. `none` says what it means that it is empty; `remark` what to know before reading it."""

    id: str
    title: str
    changed: list[Line]
    same: list[Line]
    none: str
    remark: str = ""

    @property
    def total(self) -> int:
        """How many rows there are."""
        return len(self.changed) + len(self.same)


def sections(comparison: Comparison, labels: list[str]) -> list[Section]:
    """Return the tables in the order of the page."""
    seen, packages = comparison, [*comparison.runtime, *comparison.requirements]
    parts: list[tuple[str, str, list[Row], str, str]] = [
        ("parameters", _("Parameters"), seen.params, _("No run logged a parameter."), _common(seen.params)),
        ("inputs", _("Signature: inputs"), seen.inputs, _("No version has a signature of its inputs."), ""),
        ("outputs", _("Signature: outputs"), seen.outputs, _("No version has a signature of its outputs."), ""),
        ("params", _("Signature: parameters"), seen.signature_params, "", ""),
        ("dependencies", _("Dependencies"), packages, _("No version lists its packages."), ""),
        ("datasets", _("Data sets"), seen.datasets, _("No run logged a data set."), _("Compared by digest.")),
        ("files", _("Files"), seen.files, _("No list of files has been read."), _files(comparison, labels)),
        ("tags", _("Tags"), seen.tags, _("No version has a tag."), ""),
    ]
    return [
        _section(part, title, rows, labels, none, _order(comparison, part, labels) or remark)
        for part, title, rows, none, remark in parts
        if rows or part != "params"
    ]


def _section(part: str, title: str, rows: list[Row], labels: list[str], none: str, remark: str) -> Section:
    text = _size if part == "files" else _text
    lines = [_line(part, row, labels, text) for row in rows]
    changed = [line for line in lines if line.change != "same"]
    changed.sort(key=lambda line: line.effect != BREAKING)
    return Section(part, title, changed, [line for line in lines if line.change == "same"], none, remark)


def _line(part: str, row: Row, labels: list[str], text: Callable[[Any], str]) -> Line:
    changes, effects = row.changes, row.effects or ("",) * (len(row.values) - 1)
    later = zip(labels[1:], row.values[1:], changes, effects, strict=True)
    cells = [Cell(labels[0], text(row.base)), *(Cell(label, text(value), *more) for label, value, *more in later)]
    worst = effects.index(BREAKING) if BREAKING in effects else 0
    effect = effects[worst] or next(filter(None, effects), "")
    change = row.change
    return Line(masked(row.name)[:LONGEST], change, effect, _note(part, changes[worst], effect), cells)


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = masked(str(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _size(value: Any) -> str:
    return "" if value is None else filesizeformat(value)


def _note(part: str, change: str, effect: str) -> str:
    """Say what a changed column means to those who call the model."""
    if effect == COMPATIBLE:
        return _("compatible: callers may go on as before")
    if effect != BREAKING:
        return ""
    if change == "added":
        return _("breaking: callers do not send it yet")
    if change == "changed":
        return _("breaking: callers rely on what the base has")
    return _("breaking: callers read it") if part == "outputs" else _("breaking: callers send it")


def _common(rows: list[Row]) -> str:
    alone = rows and all(sum(value is not None for value in row.values) == 1 for row in rows)
    return (
        _("No parameter has the same name in two versions: they may come from different algorithms.") if alone else ""
    )


def _files(comparison: Comparison, labels: list[str]) -> str:
    unread = [label for label, version in zip(labels, comparison.versions, strict=True) if version.files is None]
    if unread and comparison.files:
        return _("The list of files has not been read: %(versions)s.") % {"versions": ", ".join(unread)}
    return _("Compared by size: the same size is no proof of the same content.")


def _order(comparison: Comparison, part: str, labels: list[str]) -> str:
    """Say where columns stand in another order; callers who send a list instead of names would notice."""
    moved = [label for place, label in enumerate(labels[1:]) if part in comparison.reordered(place)]
    text = _("In another order than in the base: %(versions)s. Callers who send no names would notice.")
    return text % {"versions": ", ".join(moved)} if moved else ""
