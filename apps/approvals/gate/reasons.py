"""What the gate says beside yes or no: a code for programs, a sentence and a remedy for people."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a reason denies, or only has to be known."""

    DENY = "deny"
    WARNING = "warning"


class Code(StrEnum):
    """What kind of reason it is. A request that is not applied yet brings the codes of its blockers besides."""

    DELETED = "deleted"
    NO_POLICY = "no_policy"
    NO_REQUEST = "no_request"
    NOT_APPLIED = "not_applied"  # approved and not in MLflow yet: denies unless that is asked for
    NOT_CURRENT = "not_current"
    DRIFT = "drift"
    ARTIFACT_CHANGED = "artifact_changed"
    DETAILS_CHANGED = "details_changed"
    DETAILS_UNREAD = "details_unread"
    LAPSED = "lapsed"
    RECERTIFY_OVERDUE = "recertify_overdue"  # ended, and lapses soon: a warning
    BYPASS_NOT_RATIFIED = "bypass_not_ratified"
    AFTER_REVIEW_OVERDUE = "after_review_overdue"
    AFTER_REVIEW_DUE = "after_review_due"
    CONDITION_OPEN = "condition_open"
    NEVER_MIRRORED = "never_mirrored"
    STALE_MIRROR = "stale_mirror"  # a warning, until it is older than the operator allows
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Reason:
    """One reason. `remedy` says who can do what about it, empty when it settles by itself; `url` is a path here."""

    code: str
    sentence: str
    remedy: str
    url: str
    severity: Severity = Severity.DENY
