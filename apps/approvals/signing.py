"""What a signer gives beside verdict, comment and digest, and the words that a signature shows."""

from dataclasses import dataclass, field
from datetime import datetime

from apps.approvals.models import Meaning, Severity


@dataclass(frozen=True)
class ConditionTerms:
    """One condition of an approval, as it was written: `owner` is a user name, `due` an aware time."""

    text: str
    owner: str
    due: datetime
    severity: str = Severity.MEDIUM.value


@dataclass(frozen=True)
class Signing:
    """What a signer gives beside verdict, comment and digest. The password is used once: never kept, never shown."""

    meaning: str = Meaning.APPROVAL.value
    password: str = field(default="", repr=False)
    on_behalf_of: str = ""  # the user name of whoever the signer speaks for; empty: for themselves
    conditions: tuple[ConditionTerms, ...] = ()
