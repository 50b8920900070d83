"""A comparison in short: what a reviewer wants to know before reading the tables."""

from collections import Counter
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.masking import masked
from apps.registry.comparing.comparison import Comparison
from apps.registry.comparing.rows import Row
from apps.registry.comparing.signature import BREAKING

MOST_NAMED = 2  # metrics that are named because they are worse


@dataclass(frozen=True)
class Point:
    """One thing to know. `tone` is "good", "bad", "warn" or "" for what is as it was."""

    tone: str
    text: str


def in_short(comparison: Comparison, place: int = 0) -> list[Point]:
    """Say how a later version (counted from 0) differs from the base."""
    return [
        *_metrics(comparison, place),
        *_signature(comparison, place),
        *_packages(comparison, place),
        *_data(comparison, place),
    ]


def percent_text(percent: float) -> str:
    """Write a percentage with its sign: "+161 %", "−0.04 %"."""
    return f"{percent:+.3g} %".replace("-", "−") if abs(percent) < 1000 else f"{percent:+,.0f} %".replace("-", "−")


def _metrics(comparison: Comparison, place: int) -> list[Point]:
    counts, points = comparison.summaries[place], []
    if better := counts["better"]:
        text = ngettext("%(n)d metric better", "%(n)d metrics better", better) % {"n": better}
        points.append(Point("good", text))
    if worse := counts["worse"]:
        text = ngettext("%(n)d metric worse", "%(n)d metrics worse", worse) % {"n": worse}
        points.append(Point("bad", f"{text}{_worst(comparison, place)}"))
    if not points:
        points.append(Point("", _("no metric that is better or worse")))
    unknown = sum(row.direction is None and row.cells[place].delta is not None for row in comparison.metrics)
    if unknown:
        text = ngettext("%(n)d metric without a known direction", "%(n)d metrics without a known direction", unknown)
        points.append(Point("", text % {"n": unknown}))
    return points


def _worst(comparison: Comparison, place: int) -> str:
    """Name the metrics that got worse most, in percent."""
    worse = [(row.name, row.cells[place].percent) for row in comparison.metrics if row.cells[place].verdict == "worse"]
    measured = [(name, percent) for name, percent in worse if percent is not None]
    worst = sorted(measured, key=lambda pair: -abs(pair[1]))[:MOST_NAMED]
    return f" ({', '.join(f'{name[:60]} {percent_text(percent)}' for name, percent in worst)})" if worst else ""


def _signature(comparison: Comparison, place: int) -> list[Point]:
    parts = {"inputs": comparison.inputs, "outputs": comparison.outputs, "params": comparison.signature_params}
    points = [point for part, rows in parts.items() for point in _part(part, rows, place)]
    if points:
        return sorted(points, key=lambda point: point.tone != "bad")
    ours, theirs = comparison.base.signature, comparison.versions[place + 1].signature
    if not ours or not theirs:
        nobody = _("no signature on either side") if not (ours or theirs) else _("only one of the two has a signature")
        return [Point("" if not (ours or theirs) else "warn", nobody)]
    if comparison.reordered(place):
        return [Point("warn", _("the same signature in another order"))]
    return [Point("", _("signature unchanged"))]


def _part(part: str, rows: list[Row], place: int) -> list[Point]:
    """Group the changes of a part: "20 inputs added (breaking)"."""
    kinds = Counter((row.changes[place], row.effects[place]) for row in rows if row.effects[place])
    return [
        Point("bad" if effect == BREAKING else "warn", f"{_counted(part, change, number)} ({_effect(effect)})")
        for (change, effect), number in kinds.items()
    ]


def _effect(effect: str) -> str:
    return _("breaking") if effect == BREAKING else _("compatible")


def _counted(part: str, change: str, number: int) -> str:
    texts = {
        ("inputs", "added"): ngettext("%(n)d input added", "%(n)d inputs added", number),
        ("inputs", "removed"): ngettext("%(n)d input removed", "%(n)d inputs removed", number),
        ("inputs", "changed"): ngettext("%(n)d input changed", "%(n)d inputs changed", number),
        ("outputs", "added"): ngettext("%(n)d output added", "%(n)d outputs added", number),
        ("outputs", "removed"): ngettext("%(n)d output removed", "%(n)d outputs removed", number),
        ("outputs", "changed"): ngettext("%(n)d output changed", "%(n)d outputs changed", number),
        ("params", "added"): ngettext("%(n)d call parameter added", "%(n)d call parameters added", number),
        ("params", "removed"): ngettext("%(n)d call parameter removed", "%(n)d call parameters removed", number),
        ("params", "changed"): ngettext("%(n)d call parameter changed", "%(n)d call parameters changed", number),
    }
    return texts[part, change] % {"n": number}


def _packages(comparison: Comparison, place: int) -> list[Point]:
    changed = comparison.summaries[place]["requirements"]
    major = sum(row.effects[place].startswith("major") for row in comparison.requirements)
    points = []
    if changed:
        text = ngettext("%(n)d package changed", "%(n)d packages changed", changed) % {"n": changed}
        more = ngettext("%(n)d by a major version", "%(n)d by a major version", major) % {"n": major}
        points.append(Point("warn", f"{text} ({more})" if major else text))
    elif comparison.requirements:
        points.append(Point("", _("same packages")))
    for row in comparison.runtime:
        if row.changes[place] == "changed":
            points.append(Point("warn", masked(f"{row.name} {row.base} → {row.values[place + 1]}")))
    return points


def _data(comparison: Comparison, place: int) -> list[Point]:
    if comparison.metrics and comparison.same_data(place) is False:
        return [Point("warn", _("not measured on the same data"))]
    return []
