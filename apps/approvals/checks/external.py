"""What CI reported about a version, as results of checks."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.approvals.checks.outcomes import EXTERNAL, CheckResult, Outcome
from apps.approvals.models import ExternalCheck
from apps.registry.models import ModelVersion


def current(version: ModelVersion) -> list[ExternalCheck]:
    """Return the last report of each external check of a version, by name, in one query."""
    found = ExternalCheck.objects.filter(version=version, current=True)
    return list(found.select_related("reporter").order_by("name"))


def as_result(report: ExternalCheck, *, now: datetime, required: bool = False) -> CheckResult:
    """Return a report as the result of a check. One whose time is over is an error: nobody knows what holds now."""
    expired = report.valid_until is not None and report.valid_until <= now
    outcome = Outcome.ERROR if expired else Outcome(report.outcome)
    return CheckResult(
        name=f"{EXTERNAL}{report.name}",
        label=report.name,
        outcome=outcome,
        detail=_expired(report) if expired else report.detail,
        producer=report.reporter.get_username(),
        at=report.reported_at,
        inputs=report.inputs,
        required=required,
        link=report.link,
        valid_until=report.valid_until,
        said={
            "outcome": str(report.outcome),
            "detail": report.detail,
            "link": report.link,
            "inputs": report.inputs,
            "reporter": report.reporter.get_username(),
        },
    )


def not_reported(names: Iterable[str]) -> list[CheckResult]:
    """Return the results of external checks that are required and that nobody has reported."""
    detail = _("Not reported yet. A pipeline reports it through the API.")
    return [
        CheckResult(name, name.removeprefix(EXTERNAL), Outcome.PENDING, detail, producer="", required=True)
        for name in names
    ]


def _expired(report: ExternalCheck) -> str:
    until = date_format(timezone.localtime(report.valid_until), "DATETIME_FORMAT")
    sentence = _("Expired: the report “%(outcome)s” was valid until %(until)s. Report it again.")
    return sentence % {"outcome": report.get_outcome_display(), "until": until}
