"""Several requests on one page, to be signed at once: each with its digest, or with why it cannot be among them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.accounts.assurance import SignWith, asked_by
from apps.accounts.factors.rules import why_cannot_sign
from apps.approvals import queries, signing
from apps.approvals.models import ApprovalRequest
from apps.approvals.queue import words
from apps.approvals.queue.queries import waiting_for
from apps.approvals.queue.words import Row
from apps.approvals.transitions import RequestAction, refusal, transition_of


@dataclass(frozen=True)
class Item:
    """One request on the page that asks for a signature; `refusal` says why it is left out, empty when it is not."""

    row: Row
    refusal: str

    @property
    def asked(self) -> ApprovalRequest:
        """The request."""
        return self.row.asked


@dataclass(frozen=True)
class Told:
    """How one of them ended; `row` None where the person sees no such request."""

    number: int
    row: Row | None
    error: str


def items(user: Any, numbers: Iterable[int]) -> list[Item]:
    """Return the requests of these numbers that `user` may see, in the order of their numbers.

    What waits for the person is found at once; only the others are asked one by one why they do not.
    """
    rows = _rows(user, numbers)
    ready = set(waiting_for(user).filter(pk__in=[row.asked.pk for row in rows]).values_list("pk", flat=True))
    asked = SignWith.FACTOR if any(signing.asks(row.asked) is SignWith.FACTOR for row in rows) else SignWith.NONE
    factor = why_cannot_sign(user, asked) or ""  # the same for all that ask for it
    return [Item(row, row.alone or _why_not(row, user, row.asked.pk in ready, factor)) for row in rows]


def asks(items: Iterable[Item]) -> SignWith:
    """Return what signing these asks for, once for all that are not left out: the most that one of them does."""
    return asked_by(*(item.asked.policy.sign_with for item in items if item.asked.policy and not item.refusal))


def told(user: Any, results: Iterable[Any]) -> list[Told]:
    """Return how each request of a bulk ended, with what it is as far as `user` may see it."""
    results = list(results)
    rows = {row.asked.pk: row for row in _rows(user, [result.request_id for result in results])}
    return [Told(result.request_id, rows.get(result.request_id), result.error) for result in results]


def _rows(user: Any, numbers: Iterable[int]) -> list[Row]:
    wanted = [number for number in numbers if number < 2**63]
    requests = queries.visible_requests(user).filter(pk__in=wanted).prefetch_related(queries.reviews_in_order())
    return words.rows(requests.order_by("id"))


def _why_not(row: Row, user: Any, ready: bool, factor: str) -> str:
    if not ready:
        return _refusal(row, user)
    return factor if signing.asks(row.asked) is SignWith.FACTOR else ""


def _refusal(row: Row, user: Any) -> str:
    error = refusal(transition_of(RequestAction.APPROVE), row.asked, user)
    return error.message if error else ""
