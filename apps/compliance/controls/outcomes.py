"""What controls look at, and what they answer. Nothing here asks the database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.utils.functional import Promise

from apps.approvals.models import AfterReview, ApprovalRequest, DriftFinding, Recertification
from apps.audit.event_types import EventType
from apps.compliance.controls.cards import CardThen
from apps.compliance.models import HoldBreach, LegalHold, Severity
from apps.registry.models import ModelVersion, Placement, RegisteredModel


class Outcome(StrEnum):
    """How a model stands to a control."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


WORST_FIRST = (Outcome.NOT_MET, Outcome.UNKNOWN, Outcome.MET, Outcome.NOT_APPLICABLE)


class Finding(NamedTuple):
    """What a control found: the outcome, why in a sentence, and the path of the page that mends or shows it."""

    outcome: Outcome
    reason: str
    url: str = ""


@dataclass(frozen=True)
class Placed:
    """A version that was in Production at the moment asked for, with the request that it rests on, if there is one."""

    version: ModelVersion
    placement: Placement
    request: ApprovalRequest | None
    approvers: tuple[str, ...] = ()
    recertified: tuple[Recertification, ...] = ()  # in their order
    described: bool = False  # then
    card: CardThen | None = None  # then
    exchanged: bool = False  # of the past: its files were no longer those that were signed, as far as was known then


class Required(NamedTuple):
    """One event that the trail must hold; `number` 0: of the model itself, else of that version."""

    kind: EventType
    number: int = 0
    stage: str = ""
    holder: str = ""  # whose grants it is about: "group reviewers", "person bob"


@dataclass(frozen=True)
class Facts:
    """What is known of one model at a moment.

    `past`: the moment is over, so the mirror of today says nothing of it; what was signed by then does. `reference` is
    what the model was called at the moment, and `risk` its tier then; by `model.reference` it is found now.
    """

    model: RegisteredModel
    at: datetime
    past: bool
    reference: str
    risk: str
    placed: tuple[Placed, ...] = ()
    missing: tuple[Required, ...] = ()  # events that it must have had by then, and that the trail does not hold
    drift: tuple[DriftFinding, ...] = ()  # unsettled at that moment
    owed: tuple[tuple[ApprovalRequest, AfterReview | None], ...] = ()  # applied ahead of their review by then
    holds: tuple[LegalHold, ...] = ()  # that stood then
    breaches: tuple[HoldBreach, ...] = ()  # of these, by then


@dataclass(frozen=True)
class Control:
    """One line of the table. `question` is what it asks, in a sentence that ends with a full stop."""

    name: str
    label: str | Promise
    question: str | Promise
    function: Callable[[Facts], Finding]
    severity: Severity = Severity.MEDIUM  # until an admin sets another


@dataclass(frozen=True)
class Setting:
    """How a control is set at a moment. `number` 0: nobody has set it yet."""

    enabled: bool
    tiers: tuple[str, ...]
    severity: Severity
    number: int = 0
    reason: str = ""
    set_by: str = ""
    set_at: datetime | None = None


@dataclass(frozen=True)
class Column:
    """A control with its setting at the moment asked for."""

    control: Control
    setting: Setting


class Cell(NamedTuple):
    """What a control says of a model."""

    column: Column
    finding: Finding
