"""People, the tokens that act for them, their sessions and invitations, and the grants that say what they may do."""

from apps.accounts.models.grants import Acknowledgement, Grant, GrantLock, GrantScope, TimedPermission
from apps.accounts.models.people import User
from apps.accounts.models.sessions import Invitation, Session, SessionRows, SigningPass
from apps.accounts.models.tokens import ApiToken, TokenScope

__all__ = [
    "Acknowledgement",
    "ApiToken",
    "Grant",
    "GrantLock",
    "GrantScope",
    "Invitation",
    "Session",
    "SessionRows",
    "SigningPass",
    "TimedPermission",
    "TokenScope",
    "User",
]
