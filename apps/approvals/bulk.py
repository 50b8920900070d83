"""Many requests at once: each is asked for, or signed, alone, in its own transaction and with its own result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.signing import Answer
from apps.approvals import acting, one_by_one, submitting
from apps.approvals.models import ApprovalRequest
from apps.approvals.signing import Signing
from apps.approvals.transitions import RequestAction, transition_of
from apps.audit.access.parts import tell_refused
from apps.errors import DomainError, InvalidInput

MOST = 100  # items at once


@dataclass(frozen=True)
class Asked:
    """One request to be opened: the key of its version, and what `open_request` takes besides."""

    version_id: int
    to_stage: str = ""
    alias: str = ""
    reason: str = ""
    roll_out: str = ""
    roll_back: str = ""
    ticket: str = ""
    archive_existing: bool | None = None
    draft: bool = False


@dataclass(frozen=True)
class Result:
    """How one item ended: `error` is a sentence, empty when it worked; `code` and `field` as the error has them."""

    request_id: int | None  # None: no request came of it
    state: str = ""
    error: str = ""
    code: str = ""
    field: str = ""

    @property
    def ok(self) -> bool:
        """Whether it worked."""
        return not self.error


def bulk_submit(items: Sequence[Asked], *, by: User) -> list[Result]:
    """Open a request for each item, in their order; one that is refused does not stop the others.

    Raises InvalidInput for no item at all, or too many.
    """
    _check_number(items)
    results = []
    for item in items:
        about = ("version", item.version_id)
        results.append(_result(None, about, lambda item=item: submitting.open_request(by=by, **vars(item))))
    return results


def bulk_act(
    items: Sequence[tuple[int, str | None]],
    action: RequestAction | str,
    *,
    by: User,
    comment: str = "",
    signing: Signing | None = None,
) -> list[Result]:
    """Do one thing to each request, named with the digest that was read; the password is asked for and compared once.

    One that is refused does not stop the others. Raises InvalidInput (no item, too many, an unknown action, a wrong
    password: then nothing is signed) and NotAllowed after too many wrong passwords.
    """
    _check_number(items)
    row = transition_of(action)
    given = (signing or Signing()).confirmed(by) if row.verdict else Signing()
    refused = given.confirmation is not None and given.confirmation.answer in (Answer.WRONG, Answer.TOO_MANY)
    if refused:  # the first item says why, and has it recorded; the others would say the same
        number, digest = items[0]
        acting.act(number, row.action, by=by, comment=comment, evidence_digest=digest, signing=given)

    def one(number: int, digest: str | None) -> ApprovalRequest:
        one_by_one.refuse_alone(number, row, by=by)
        return acting.act(number, row.action, by=by, comment=comment, evidence_digest=digest, signing=given)

    return [
        _result(number, ("request", number), lambda number=number, digest=digest: one(number, digest))
        for number, digest in items
    ]


def _result(number: int | None, about: tuple[str, int], do: Any) -> Result:
    try:
        request = do()
    except DomainError as error:
        tell_refused(*about, error.status)
        return Result(number, error=error.message, code=error.code, field=error.field or "")
    return Result(request.pk or number, state=str(request.state))


def _check_number(items: Sequence[Any]) -> None:
    if not 1 <= len(items) <= MOST:
        message = _("Choose from 1 to %(most)s requests at once; these are %(given)s.")
        raise InvalidInput(message % {"most": MOST, "given": len(items)}, field="items")
