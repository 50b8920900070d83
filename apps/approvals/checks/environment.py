"""Checks of the environment that a version was made in."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from packaging.requirements import InvalidRequirement, Requirement

from apps.approvals.checks.outcomes import Finding, Outcome, Subject
from apps.registry.details.requirements import is_option


def requirements_are_pinned(subject: Subject) -> Finding:
    """Every requirement names exactly one version."""
    return are_pinned(subject.version.requirements)


def are_pinned(lines: list[str] | None) -> Finding:
    """Return whether each of these requirements names exactly one version; None: there is no requirements.txt."""
    if lines is None:
        return Outcome.FAIL, _("No requirements.txt: the environment cannot be rebuilt.")
    wanted = [line for line in map(str.strip, lines) if line and not line.startswith("#") and not is_option(line)]
    if loose := [line for line in wanted if not _pinned(line)]:
        return Outcome.FAIL, _("Not pinned to one version: %(lines)s.") % {"lines": ", ".join(loose[:5])}
    return Outcome.PASS, ngettext("%(n)s requirement, pinned.", "%(n)s requirements, all pinned.", len(wanted)) % {
        "n": len(wanted)
    }


def _pinned(line: str) -> bool:
    """Return whether a requirement line leaves pip no choice: name==1.2.3."""
    try:
        requirement = Requirement(line.split(" #")[0].split(" --hash")[0].strip())
    except (InvalidRequirement, RecursionError):
        return False
    exact = [row for row in requirement.specifier if row.operator in ("==", "===") and not row.version.endswith(".*")]
    return bool(exact)
