"""Checks that hold a version against the one in Production."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.approvals.checks.outcomes import Finding, Outcome, Subject
from apps.approvals.checks.recorded import finite_number
from apps.registry import directions
from apps.registry.comparing import signature
from apps.registry.figures import figure, percent
from apps.registry.models import Stage

MOST_NAMED = 5


class Pair(NamedTuple):
    """A metric in Production and on the version, None where one lacks it, and which way it is better."""

    name: str
    base: Any
    candidate: Any
    direction: str

    @property
    def percent(self) -> float:
        """The difference in percent of Production's value, which is not 0: nothing worse than 0 is tolerated."""
        return float(
            (Fraction(str(self.candidate)) / Fraction(str(self.base)) - 1) * 100 * (1 if self.base > 0 else -1)
        )


def metrics_not_worse(subject: Subject) -> Finding:
    """No metric with a known direction is worse than in Production, beyond what the policy tolerates."""
    if (nothing := _without_production(subject)) or subject.production is None:
        return nothing or (Outcome.NOT_APPLICABLE, "")
    judged: dict[str, list[Pair]] = {}
    for pair in _pairs(subject.production.metrics, subject.version.metrics):
        judged.setdefault(_judge(pair, subject.tolerance), []).append(pair)
    base, tolerance = subject.production.number, subject.tolerance
    return _missed(judged, base, tolerance) or _met(judged, base, tolerance)


def _pairs(base: dict[str, Any], candidate: dict[str, Any]) -> Iterator[Pair]:
    """Return the metrics of either version whose direction is known, by name."""
    known = directions.load()
    for name in sorted({**base, **candidate}):
        if direction := known.of(name):
            yield Pair(name, base.get(name), candidate.get(name), direction)


def _judge(row: Pair, tolerance: float) -> str:
    """Return what a metric amounts to: "broken", "unknown", "new", "lost", "worse", "tolerated" or "fine"."""
    base, candidate = row.base, row.candidate
    if candidate is not None and not finite_number(candidate):
        return "broken"
    if base is None:
        return "new"
    if not finite_number(base):
        return "unknown"
    if candidate is None:
        return "lost"
    if candidate >= base if row.direction == "higher" else candidate <= base:
        return "fine"
    if tolerance == 0:
        return "worse"
    # Exact, as the numbers are written: 1.0 → 0.95 is 5 percent, which no float subtraction says.
    before, after = Fraction(str(base)), Fraction(str(candidate))
    return "tolerated" if abs(before - after) <= _allowed(before, tolerance) else "worse"


def _allowed(before: Fraction, tolerance: float) -> Fraction:
    """Return by how much a metric may be worse; nothing where Production has 0. Raises ValueError for odd terms."""
    if tolerance < 0:
        raise ValueError(f"a tolerance of {tolerance} percent")
    return abs(before) * Fraction(str(tolerance)) / 100


def _missed(judged: dict[str, list[Pair]], base: int, tolerance: float) -> Finding | None:
    """Return why the metrics do not pass, the worst first; None when nothing is in the way."""
    sentences = {
        "broken": (Outcome.FAIL, _("Not a finite number: %(names)s.")),
        "worse": (Outcome.FAIL, _("Worse than v%(base)s in Production: %(names)s.")),
        "lost": (Outcome.FAIL, _("Recorded on v%(base)s in Production but not on this version: %(names)s.")),
        "unknown": (
            Outcome.ERROR,
            _("Not a finite number on v%(base)s in Production, so it cannot be compared: %(names)s."),
        ),
    }
    if tolerance:
        sentence = _("Worse than v%(base)s in Production by more than %(tolerance)s %%: %(names)s.")
        sentences["worse"] = (Outcome.FAIL, sentence)
    for word, (outcome, sentence) in sentences.items():
        if word in judged:
            names = {"base": base, "tolerance": figure(tolerance), "names": _names(judged[word])}
            return outcome, sentence % names
    return None


def _met(judged: dict[str, list[Pair]], base: int, tolerance: float) -> Finding:
    """Return the finding where no metric is in the way."""
    if tolerated := judged.get("tolerated"):
        changes = ", ".join(f"{row.name} ({percent(row.percent)})" for row in tolerated[:MOST_NAMED])
        text = _("Worse than v%(base)s in Production, within the tolerance of %(tolerance)s %%: %(changes)s.")
        return Outcome.PASS, text % {"base": base, "tolerance": figure(tolerance), "changes": changes}
    number = len(judged.get("fine", []))
    if not number:
        text = _("No metric with a known direction is recorded on both this version and v%(base)s in Production.")
        return Outcome.NOT_APPLICABLE, text % {"base": base}
    text = ngettext(
        "%(n)s metric is as good as in v%(base)s in Production, or better.",
        "%(n)s metrics are as good as in v%(base)s in Production, or better.",
        number,
    )
    return Outcome.PASS, text % {"n": number, "base": base}


def _names(rows: list[Pair]) -> str:
    names, rest = ", ".join(row.name for row in rows[:MOST_NAMED]), len(rows) - MOST_NAMED
    return _("%(names)s and %(rest)s more") % {"names": names, "rest": rest} if rest > 0 else names


def signature_fits_production(subject: Subject) -> Finding:
    """Whoever calls the version in Production can call this one the same way."""
    if (nothing := _without_production(subject)) or subject.production is None:
        return nothing or (Outcome.NOT_APPLICABLE, "")
    ours, theirs = subject.version.signature, subject.production.signature
    if not ours or not theirs:
        return Outcome.NOT_APPLICABLE, _("One of the two versions has no signature.")
    names = {"base": subject.production.number}
    if misfits := [_misfit(*row) for row in signature.breaks(theirs, ours)]:
        text = _("Callers of v%(base)s in Production would break: %(misfits)s.")
        return Outcome.FAIL, text % {**names, "misfits": "; ".join(misfits[:MOST_NAMED])}
    return Outcome.PASS, _("Callers of v%(base)s in Production can call it unchanged.") % names


def _without_production(subject: Subject) -> Finding | None:
    """Return the finding when there is nothing in Production to compare with, or the version leaves for the archive."""
    if subject.to_stage in (Stage.NONE, Stage.ARCHIVED):
        text = _("Nothing is compared on the way to %(stage)s.")
        return Outcome.NOT_APPLICABLE, text % {"stage": subject.to_stage}
    if subject.production is None:
        return Outcome.NOT_APPLICABLE, _("No version of this model is in Production.")
    if subject.production.pk == subject.version.pk:
        return Outcome.NOT_APPLICABLE, _("This version is the one in Production.")
    return None


def _misfit(part: str, name: str, change: str) -> str:
    """Say what a caller of the version in Production would trip over."""
    if part == "inputs" and change == "added":
        return _("input %(name)s is new and required") % {"name": name}
    if change == "changed":
        sentences = {
            "inputs": _("input %(name)s has another type or is required now"),
            "outputs": _("output %(name)s has another type"),
            "params": _("parameter %(name)s has another type"),
        }
    else:
        sentences = {
            "inputs": _("input %(name)s is gone"),
            "outputs": _("output %(name)s is gone"),
            "params": _("parameter %(name)s is gone"),
        }
    return sentences[part] % {"name": name}
