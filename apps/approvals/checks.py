"""The automatic checks: a table of named functions, each saying in one sentence what it found. They advise a reviewer.

A check that does not apply says so; a check that breaks is an error, never a pass.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from packaging.requirements import InvalidRequirement, Requirement

from apps.registry import directions
from apps.registry.comparing import metric_rows, signature
from apps.registry.models import DetailsState, ModelVersion, Stage
from apps.registry.queries import production_version

logger = logging.getLogger(__name__)
NOT_REQUIREMENTS = ("#", "-")  # comments and options such as "--extra-index-url"


class Outcome(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - a word, not a password
    FAIL = "fail"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Subject:
    """What is checked: a version on its way to a stage, beside the version now in Production (None: there is none)."""

    version: ModelVersion
    to_stage: str
    production: ModelVersion | None


Finding = tuple[Outcome, str]


@dataclass(frozen=True)
class Check:
    """One line of the table."""

    name: str
    label: Promise
    function: Callable[[Subject], Finding]


@dataclass(frozen=True)
class CheckResult:
    """What one check found. `outcome` is "pass", "fail", "error" or "not_applicable"."""

    name: str
    label: str
    outcome: Outcome
    detail: str


def details_were_read(subject: Subject) -> Finding:
    """The run, the MLmodel file and the requirements could be read and understood."""
    version = subject.version
    if version.details_state == DetailsState.LOADED and not version.details_error:
        return Outcome.PASS, _("The run and the model's files were read.")
    problem = version.details_error or _("They have not been read yet.")
    return Outcome.FAIL, _("The run or the model's files could not be read: %(problem)s") % {"problem": problem}


def has_signature(subject: Subject) -> Finding:
    """The schema of inputs and outputs is recorded."""
    if subject.version.signature:
        return Outcome.PASS, _("The signature is recorded.")
    return Outcome.FAIL, _("No signature: nobody can tell which columns the model takes. Log it with infer_signature.")


def has_input_example(subject: Subject) -> Finding:
    """An example input is stored beside the model."""
    if subject.version.mlmodel.get("saved_input_example_info"):
        return Outcome.PASS, _("An input example is stored with the model.")
    return Outcome.FAIL, _("No input example: the model cannot be tried out as logged.")


def requirements_are_pinned(subject: Subject) -> Finding:
    """Every requirement names exactly one version."""
    lines = subject.version.requirements
    if lines is None:
        return Outcome.FAIL, _("No requirements.txt: the environment cannot be rebuilt.")
    wanted = [line.strip() for line in lines if line.strip() and not line.strip().startswith(NOT_REQUIREMENTS)]
    if loose := [line for line in wanted if not _pinned(line)]:
        return Outcome.FAIL, _("Not pinned to one version: %(lines)s.") % {"lines": ", ".join(loose[:5])}
    return Outcome.PASS, ngettext("%(n)s requirement, pinned.", "%(n)s requirements, all pinned.", len(wanted)) % {
        "n": len(wanted)
    }


def run_finished(subject: Subject) -> Finding:
    """The training run came to its end."""
    status = subject.version.run.get("status")
    if not status:
        return Outcome.FAIL, _("No run is recorded: nobody can tell how this version was made.")
    if status == "FINISHED":
        return Outcome.PASS, _("The run finished.")
    return Outcome.FAIL, _("The run is %(status)s, not FINISHED.") % {"status": status}


def dataset_recorded(subject: Subject) -> Finding:
    """The run says which data it read."""
    datasets = subject.version.datasets
    if not datasets:
        return Outcome.FAIL, _("No data set is recorded on the run. Log it with mlflow.log_input.")
    names = ", ".join(str(row.get("name", "")) for row in datasets[:5])
    return Outcome.PASS, _("Data sets: %(names)s.") % {"names": names}


def has_description(subject: Subject) -> Finding:
    """Somebody wrote what this version is."""
    if subject.version.description.strip():
        return Outcome.PASS, _("The version is described.")
    return Outcome.FAIL, _("The version has no description.")


def metrics_not_worse(subject: Subject) -> Finding:
    """No metric with a known direction is worse than in Production."""
    if (nothing := _without_production(subject)) or subject.production is None:
        return nothing or (Outcome.NOT_APPLICABLE, "")
    compared = metric_rows([subject.production.metrics, subject.version.metrics], directions.load())
    every = [row for row in compared if row.direction]
    rows = [row for row in every if row.verdict in KNOWN]
    base = subject.production.number
    if broken := [row.name for row in every if isinstance(row.candidate, str)]:
        return Outcome.FAIL, _("Not a finite number: %(names)s.") % {"names": ", ".join(broken)}
    if not rows:
        text = _("No metric with a known direction is recorded on both this version and v%(base)s in Production.")
        return Outcome.NOT_APPLICABLE, text % {"base": base}
    if worse := [row.name for row in rows if row.verdict == "worse"]:
        text = _("Worse than v%(base)s in Production: %(names)s.")
        return Outcome.FAIL, text % {"base": base, "names": ", ".join(worse)}
    text = ngettext(
        "%(n)s metric is as good as in v%(base)s in Production, or better.",
        "%(n)s metrics are as good as in v%(base)s in Production, or better.",
        len(rows),
    )
    return Outcome.PASS, text % {"n": len(rows), "base": base}


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
        return Outcome.FAIL, text % {**names, "misfits": "; ".join(misfits[:5])}
    return Outcome.PASS, _("Callers of v%(base)s in Production can call it unchanged.") % names


CHECKS = (
    Check("details", gettext_lazy("Read from MLflow"), details_were_read),
    Check("signature", gettext_lazy("Signature"), has_signature),
    Check("input_example", gettext_lazy("Input example"), has_input_example),
    Check("requirements_pinned", gettext_lazy("Requirements pinned"), requirements_are_pinned),
    Check("run_finished", gettext_lazy("Run finished"), run_finished),
    Check("dataset", gettext_lazy("Data set recorded"), dataset_recorded),
    Check("description", gettext_lazy("Description"), has_description),
    Check("metrics", gettext_lazy("Metrics against Production"), metrics_not_worse),
    Check("signature_fits", gettext_lazy("Signature against Production"), signature_fits_production),
)
KNOWN = ("better", "worse", "same")


def run(version: ModelVersion, to_stage: str) -> list[CheckResult]:
    """Run every check on a version on its way to a stage, in the order of the table."""
    subject = Subject(version, to_stage, production_version(version.model))
    return [_run_one(check, subject) for check in CHECKS]


def _run_one(check: Check, subject: Subject) -> CheckResult:
    try:
        outcome, detail = check.function(subject)
    except Exception:  # a check that breaks on odd metadata must not take the page with it
        logger.exception("check %s broke on version %s", check.name, subject.version.pk)
        outcome, detail = Outcome.ERROR, _("This check could not be carried out. It counts as not passed.")
    return CheckResult(check.name, str(check.label), outcome, detail)


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


def _pinned(line: str) -> bool:
    """Return whether a requirement line leaves pip no choice: name==1.2.3, or a direct reference to one file."""
    try:
        requirement = Requirement(line.split(" #")[0].split(" --hash")[0].strip())
    except InvalidRequirement:
        return False
    exact = [row for row in requirement.specifier if row.operator in ("==", "===") and not row.version.endswith(".*")]
    return bool(exact)


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
