"""How each kind of drift is undone in MLflow, behind one set of steps: read, announce, write, settle, abandon."""

from typing import Any, Protocol

from django.utils.translation import gettext as _

from apps.approvals import writing
from apps.approvals.models import DriftFinding, DriftKind
from apps.audit.services import Actor
from apps.errors import NotVisible, WrongState
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.registry import aliases, stages
from apps.registry.models import ModelVersion


class Undoing(Protocol):
    """The steps. `seen` is what MLflow says at the end, as `settle` wants it."""

    def read(self, finding: DriftFinding) -> str:
        """Return what MLflow says now, written as `finding.found`. Raises WrongState when the thing is gone."""

    def announce(self, finding: DriftFinding) -> None:
        """Mark the coming write in the mirror, in the caller's transaction."""

    def write(self, job: Job, finding: DriftFinding) -> Any:
        """Write what is expected unless MLflow says it, and return what it says then."""

    def confirm(self, finding: DriftFinding) -> Any:
        """Return what MLflow says. Raises NotMoved unless that is what is expected."""

    def settle(self, finding: DriftFinding, seen: Any, *, by: Actor, **data: Any) -> None:
        """Make the mirror say what was seen, in the caller's transaction."""

    def abandon(self, finding: DriftFinding) -> None:
        """Take back the mark of `announce`, in the caller's transaction."""

    def mirrored(self, finding: DriftFinding) -> str:
        """Return what the mirror says, written as `finding.found`."""


class StageUndoing:
    """A version goes back to its stage; what else is in that stage stays."""

    def read(self, finding: DriftFinding) -> str:
        """Return the version's stage."""
        try:
            return stages.read_stage(_version(finding))
        except NotVisible as error:
            message = _("%(version)s no longer exists in MLflow, so it cannot be moved back.")
            raise WrongState(message % {"version": _version(finding)}) from error

    def announce(self, finding: DriftFinding) -> None:
        """Keep a sync that runs meanwhile from taking the write for a change by MLflow."""
        stages.expect(_version(finding), finding.expected, archive_existing=False)

    def write(self, job: Job, finding: DriftFinding) -> Any:
        """Move the version unless it is there."""
        return writing.write_what_is_missing(job, _version(finding), finding.expected, archive_existing=False)

    def confirm(self, finding: DriftFinding) -> Any:
        """Read the version."""
        return stages.read_back(_version(finding), finding.expected, archive_existing=False)

    def settle(self, finding: DriftFinding, seen: Any, *, by: Actor, **data: Any) -> None:
        """Write the stage to the mirror."""
        stages.settle(_version(finding), seen, by=by, **data)

    def abandon(self, finding: DriftFinding) -> None:
        """Clear the mark."""
        stages.abandon(_version(finding))

    def mirrored(self, finding: DriftFinding) -> str:
        """Return the stage in the mirror."""
        return str(_version(finding).stage)


class AliasUndoing:
    """A protected alias points again where it did, or nowhere again."""

    def read(self, finding: DriftFinding) -> str:
        """Return the number of the version that the alias points at; empty for none."""
        try:
            number = aliases.read_alias(finding.model, finding.alias).number
        except NotVisible as error:
            message = _("%(model)s no longer exists in MLflow, so its alias cannot be moved back.")
            raise WrongState(message % {"model": finding.model}) from error
        return "" if number is None else str(number)

    def announce(self, finding: DriftFinding) -> None:
        """Nothing to mark: see registry/aliases.py."""

    def write(self, job: Job, finding: DriftFinding) -> Any:
        """Move the alias unless it points there."""
        if self.read(finding) != finding.expected:
            jobs.renew(job)  # whoever lost the lease while waiting for MLflow stops here, before the write
            self._move(finding)
            jobs.renew(job)
        return self.confirm(finding)

    def _move(self, finding: DriftFinding) -> None:
        try:
            aliases.write_alias(finding.model, finding.alias, _number(finding.expected))
        except NotVisible as error:
            message = _("v%(number)s, where the alias pointed, no longer exists in MLflow.")
            raise WrongState(message % {"number": finding.expected}) from error

    def confirm(self, finding: DriftFinding) -> Any:
        """Read the alias."""
        return aliases.read_alias_back(finding.model, finding.alias, _number(finding.expected))

    def settle(self, finding: DriftFinding, seen: Any, *, by: Actor, **data: Any) -> None:
        """Write the alias to the mirror."""
        aliases.settle_alias(finding.model, finding.alias, seen, by=by, **data)

    def abandon(self, finding: DriftFinding) -> None:
        """Nothing was marked."""

    def mirrored(self, finding: DriftFinding) -> str:
        """Return where the alias points in the mirror."""
        held = finding.model.aliases.filter(alias=finding.alias).values_list("version__number", flat=True).first()
        return "" if held is None else str(held)


UNDOINGS: dict[str, Undoing] = {DriftKind.STAGE: StageUndoing(), DriftKind.ALIAS: AliasUndoing()}


def _version(finding: DriftFinding) -> ModelVersion:
    if finding.version is None:
        raise LookupError(f"{finding} is about no version")
    return finding.version


def _number(text: str) -> int | None:
    return int(text) if text else None
