"""The sign-off as rows: policies, requests, reviews, checks, exceptions, drift. Constraints stop the races."""

from apps.approvals.models.checks import ExternalCheck, ExternalOutcome, Waiver
from apps.approvals.models.comments import VersionComment
from apps.approvals.models.drift import UNSETTLED, DriftFinding, DriftKind, DriftState, ProtectedAlias
from apps.approvals.models.evidence import EvidenceSnapshot
from apps.approvals.models.exceptions import AfterReview, Bypass, Delegation, Ratification, Recertification
from apps.approvals.models.policies import ApprovalPolicy, FreezeWindow, PolicyRule, PolicyState, Scope, Staleness
from apps.approvals.models.queue import BarredReviewer, OpenSeat
from apps.approvals.models.requests import (
    CLOSED,
    UNDER_REVIEW,
    UNFINISHED,
    ApprovalRequest,
    RequestKind,
    RequestState,
    WriteState,
)
from apps.approvals.models.reviews import Condition, Meaning, Review, Severity, Verdict

__all__ = [
    "CLOSED",
    "UNDER_REVIEW",
    "UNFINISHED",
    "UNSETTLED",
    "AfterReview",
    "ApprovalPolicy",
    "ApprovalRequest",
    "BarredReviewer",
    "Bypass",
    "Condition",
    "Delegation",
    "DriftFinding",
    "DriftKind",
    "DriftState",
    "EvidenceSnapshot",
    "ExternalCheck",
    "ExternalOutcome",
    "FreezeWindow",
    "Meaning",
    "OpenSeat",
    "PolicyRule",
    "PolicyState",
    "ProtectedAlias",
    "Ratification",
    "Recertification",
    "RequestKind",
    "RequestState",
    "Review",
    "Scope",
    "Severity",
    "Staleness",
    "Verdict",
    "VersionComment",
    "Waiver",
    "WriteState",
]
