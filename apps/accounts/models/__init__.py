"""People, the tokens that act for them, their sessions and invitations, grants, and the reviews of grants."""

from apps.accounts.models.access_reviews import AccessReview, AccessReviewItem, Answers, Decision, ReviewState
from apps.accounts.models.grants import Acknowledgement, Grant, GrantLock, GrantScope, TimedPermission
from apps.accounts.models.people import User
from apps.accounts.models.sessions import Invitation, Session, SessionRows, SigningPass
from apps.accounts.models.tokens import ApiToken, Sponsor, TokenScope

__all__ = [
    "AccessReview",
    "AccessReviewItem",
    "Acknowledgement",
    "Answers",
    "ApiToken",
    "Decision",
    "Grant",
    "GrantLock",
    "GrantScope",
    "Invitation",
    "ReviewState",
    "Session",
    "SessionRows",
    "SigningPass",
    "Sponsor",
    "TimedPermission",
    "TokenScope",
    "User",
]
