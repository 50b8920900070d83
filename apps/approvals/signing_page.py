"""What the form under a request shows: what is signed, in whose name, and what was written when it was refused."""

from typing import Any

from apps.accounts.models import User
from apps.approvals.delegating.voices import speaks_for
from apps.approvals.models import ApprovalRequest, Meaning, Severity, Verdict
from apps.approvals.signing import asks, statement
from apps.approvals.signing_form import CONDITIONS, ActForm, SignForm


def signing_context(asked: ApprovalRequest, user: User, form: ActForm | None) -> dict[str, Any]:
    """Return what the form of actions shows beside the actions themselves."""
    return {
        **words_of(form),
        "meanings": Meaning.choices,
        "severities": Severity.choices,
        "conditions": [_condition(form, number) for number in range(1, CONDITIONS + 1)],
        "with_conditions": any(_written(form, f"condition_{number}") for number in range(1, CONDITIONS + 1)),
        "voices": speaks_for(user, asked.version.model),
        "asks": asks(asked),
        "statement": statement(asked, Verdict.APPROVE, Meaning.APPROVAL, by=user, voice=user),
    }


def words_of(form: SignForm | None) -> dict[str, str]:
    """Return what was written before a refusal; never the password."""
    return {
        "comment": _written(form, "comment"),
        "meaning": _written(form, "meaning") or Meaning.APPROVAL.value,
        "on_behalf_of": _written(form, "on_behalf_of"),
    }


def _condition(form: ActForm | None, number: int) -> dict[str, Any]:
    parts = {part: _written(form, f"{part}_{number}") for part in ("condition", "owner", "due", "severity")}
    return {"number": number, **parts, "severity": parts["severity"] or Severity.MEDIUM.value}


def _written(form: SignForm | None, name: str) -> str:
    return str(form.data.get(name, "")) if form else ""
