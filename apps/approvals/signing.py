"""What a signer gives beside verdict, comment and digest, and the words that a signature shows."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext as _

from apps.accounts import signing as passwords
from apps.accounts.assurance import SignWith, asked_by
from apps.accounts.models import User
from apps.accounts.signing import Confirmation
from apps.approvals.models import ApprovalRequest, Meaning, Severity, Verdict
from apps.errors import InvalidInput


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
    confirmation: Confirmation | None = field(default=None, repr=False, compare=False)

    def confirmed(self, by: User) -> "Signing":
        """Return the same with the password compared and forgotten. For one password on many signatures: once."""
        if self.confirmation and self.confirmation.user_id == by.pk:
            return self
        return replace(self, password="", confirmation=passwords.confirm(by, self.password))


def asks(request: ApprovalRequest) -> SignWith:
    """Return what a signature on this request takes beside being signed in."""
    return request.policy.asks if request.policy else SignWith.NONE


def asked_to_bypass(request: ApprovalRequest) -> SignWith:
    """Return what going past the request's policy takes: a password at least."""
    return asked_by(SignWith.PASSWORD, *([request.policy.sign_with] if request.policy else ()))


def meaning_from(text: str, verdict: Verdict) -> Meaning:
    """Return what a signature means, out of the list. Raises InvalidInput.

    "approval" is what an approval means unless it says otherwise; of any other verdict it means "review".
    """
    if text not in Meaning.values:
        message = _("A signature cannot mean that. Choose one of: %(meanings)s.")
        raise InvalidInput(message % {"meanings": ", ".join(Meaning.values)}, field="meaning")
    if verdict != Verdict.APPROVE and text == Meaning.APPROVAL:
        return Meaning.REVIEW
    return Meaning(text)


def statement(request: ApprovalRequest, verdict: Verdict, meaning: Meaning, *, by: User, voice: User) -> str:
    """Return the sentence that the signer signs: shown above the button, kept with the signature."""
    sentences = {
        Verdict.APPROVE: _("I, %(signer)s, approve moving %(version)s to %(target)s. My signature means: %(meaning)s."),
        Verdict.REQUEST_CHANGES: _(
            "I, %(signer)s, ask for changes before %(version)s moves to %(target)s. My signature means: %(meaning)s."
        ),
        Verdict.REJECT: _("I, %(signer)s, reject moving %(version)s to %(target)s. My signature means: %(meaning)s."),
    }
    signer = printed_name(by)
    if voice.pk != by.pk:
        signer = _("%(signer)s, for %(person)s") % {"signer": signer, "person": printed_name(voice)}
    names = {"version": request.version, "target": request.target, "meaning": meaning.label}
    return sentences[verdict] % {"signer": signer, **names}


def printed_name(user: User) -> str:
    """Return a person's name as a signature prints it: "Bob Miller (bob)", the user name alone where that is all."""
    full, username = user.get_full_name(), user.get_username()
    return f"{full} ({username})" if full else username
