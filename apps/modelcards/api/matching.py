"""Which revision a caller had before them: `If-Match` with the digest that they were answered as `ETag` (RFC 9110)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.accounts.models import User
from apps.errors import DomainError, InvalidInput
from apps.modelcards import queries
from apps.modelcards.services import CardConflict

IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True,
    description="The `ETag` of the card that you read, in quotes. Without it: 428. Another revision by now: 412.",
)  # fmt: skip
ONE = re.compile(r'\s*(W/)?"([^"\x00-\x20\x7f]*)"\s*')


class PreconditionRequired(DomainError):
    """A change that does not say which revision it was made from (428)."""

    status = 428
    code = "precondition_required"


class PreconditionFailed(DomainError):
    """Another revision is the newest by now (412). `current` is its digest."""

    status = 412
    code = "precondition_failed"

    def __init__(self, message: str, *, current: str) -> None:
        super().__init__(message)
        self.headers = {"ETag": f'"{current}"'}


def base_of(request: Request, by: User, reference: str, number: int) -> int:
    """Return the number of the revision that the caller read, which is the newest one.

    Raises NotVisible, PreconditionRequired without `If-Match` or with `*`, InvalidInput where it cannot be read, and
    PreconditionFailed.
    """
    card = queries.get_card(by, reference, number)
    given = request.headers.get("If-Match", "").strip()
    if not given or given == "*":
        message = _('Say which revision you changed: If-Match: "%(digest)s", as GET answers it in ETag.')
        raise PreconditionRequired(message % {"digest": "…"})
    if card.digest not in list(_tags(given)):
        raise _failed(card.digest)
    return card.number


@contextmanager
def matching(by: User, reference: str, number: int) -> Iterator[None]:
    """Turn a revision that was saved in between into the answer that `If-Match` has for it."""
    try:
        yield
    except CardConflict:
        raise _failed(queries.get_card(by, reference, number).digest) from None


def etag(digest: str) -> dict[str, Any]:
    """Return the header that names a revision."""
    return {"ETag": f'"{digest}"'}


def _tags(given: str) -> Iterator[str]:
    """Yield the digests of a list of entity tags. A weak one counts: proxies that compress make it so."""
    for text in given.split(","):
        found = ONE.fullmatch(text)
        if found is None:
            raise InvalidInput(_('If-Match is the digest of a revision in quotes: "9f86d0…".'), field="If-Match")
        yield found[2]


def _failed(current: str) -> PreconditionFailed:
    message = _("Another revision is the newest by now: %(digest)s. Read it, and make your change on it.")
    return PreconditionFailed(message % {"digest": current}, current=current)
