"""Results as a request keeps them: JSON, and back. Rows stored before a field was added still load."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from apps.approvals.checks.outcomes import CheckResult, Outcome, WaiverNote
from apps.masking import masked


def as_row(result: CheckResult) -> dict[str, Any]:
    """Return a result as JSON."""
    row = asdict(result)
    row["outcome"] = result.outcome.value
    row["at"], row["valid_until"] = _text(result.at), _text(result.valid_until)
    if result.waiver:
        row["waiver"]["expires_at"] = _text(result.waiver.expires_at)
    return row


def from_row(row: dict[str, Any]) -> CheckResult:
    """Return a stored result. What an older row lacks has its default."""
    waiver = row.get("waiver")
    return CheckResult(
        name=row["name"],
        label=row["label"],
        outcome=Outcome(row["outcome"]),
        detail=masked(row["detail"]),
        **{name: row[name] for name in ("producer", "inputs", "required", "link", "said") if name in row},
        at=_time(row.get("at")),
        valid_until=_time(row.get("valid_until")),
        waiver=WaiverNote(**{**waiver, "expires_at": _time(waiver["expires_at"])}) if waiver else None,
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
