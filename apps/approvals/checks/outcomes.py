"""What checks look at, and what they answer."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.functional import Promise

from apps.approvals.models import ApprovalPolicy, ApprovalRequest
from apps.audit.chain import canonical_json
from apps.modelcards.models import Card
from apps.modelcards.requirements import Requirements
from apps.registry.models import ModelVersion

OURS = "assent"  # the producer of the checks in the table
EXTERNAL = "external:"  # what the name of a reported check begins with in policies, waivers and results


class Outcome(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - a word, not a password
    FAIL = "fail"
    ERROR = "error"
    PENDING = "pending"
    WAIVED = "waived"
    NOT_APPLICABLE = "not_applicable"


MET = frozenset({Outcome.PASS, Outcome.WAIVED, Outcome.NOT_APPLICABLE})  # what a policy that requires it accepts


@dataclass(frozen=True)
class Subject:
    """What is checked: a version on its way somewhere, beside the version now in Production (None: there is none).

    `card` is the version's, None while there is none; `asked` is the requirement set by which it is judged.
    `to_stage` is empty on the way to an alias. Without a policy nothing is required and nothing tolerated; without a
    request nothing is waived.
    """

    version: ModelVersion
    to_stage: str
    production: ModelVersion | None
    card: Card | None = None
    asked: Requirements | None = None
    policy: ApprovalPolicy | None = None
    request: ApprovalRequest | None = None

    @property
    def required(self) -> list[str]:
        """The names of the checks that the policy wants passed or waived."""
        return list(self.policy.required_checks) if self.policy else []

    @property
    def tolerance(self) -> float:
        """By how many percent of Production's value a metric may be worse."""
        return self.policy.tolerance_percent if self.policy else 0.0


Finding = tuple[Outcome, str]


@dataclass(frozen=True)
class Check:
    """One line of the table."""

    name: str
    label: Promise
    function: Callable[[Subject], Finding]


@dataclass(frozen=True)
class WaiverNote:
    """Who answers for a check that does not pass.

    `holds` false: the check counts again, because the time of the waiver is over, or because another report came since
    (`outdated`).
    """

    id: int
    by: str
    reason: str
    expires_at: datetime
    holds: bool
    outdated: bool = False


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    `producer` is "assent", or the user name of whoever reported it (empty: nobody did yet). `at`: when it was looked
    at, or reported. `inputs`: the digest of what the check read, or what the report says it looked at. `said`: the
    report word for word, as it is signed; None where there is none.
    """

    name: str
    label: str
    outcome: Outcome
    detail: str
    producer: str = OURS
    at: datetime | None = None
    inputs: str = ""
    required: bool = False
    link: str = ""  # http or https, as the report gave it
    valid_until: datetime | None = None
    waiver: WaiverNote | None = None
    said: dict[str, str] | None = None

    @property
    def met(self) -> bool:
        """Whether a policy that requires the check is content."""
        return self.outcome in MET

    @property
    def external(self) -> bool:
        """Whether a pipeline reports it."""
        return self.name.startswith(EXTERNAL)

    @property
    def waived_on(self) -> str:
        """The digest of the report that a waiver given now would answer for; empty for a check of Assent's own.

        That nobody has reported yet is something to answer for, too: the first report is another.
        """
        if not self.external:
            return ""
        return hashlib.sha256(canonical_json({"check": self.name, "said": self.said}).encode()).hexdigest()
