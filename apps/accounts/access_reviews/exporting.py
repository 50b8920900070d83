"""A campaign that is over, as a file. That it was exported is recorded, with the digest of the file."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.access_reviews import queries
from apps.accounts.access_reviews.records import KIND, review_target
from apps.accounts.models import AccessReview, AccessReviewItem, ReviewState, User
from apps.accounts.queries import needs_people_manage
from apps.audit.actions import Action
from apps.audit.services import Target, attempt
from apps.cells import line
from apps.errors import WrongState

COLUMNS = (
    "item", "grant", "holder", "kind", "role", "on", "last_day", "given_by", "given_at", "given_reason", "owner",
    "decision", "decided_by", "decided_at", "reason",
)  # fmt: skip
BATCH = 2000


def export(number: int, form: str, *, by: User) -> str:
    """Return a campaign with the items that `by` sees, as "csv" or "json".

    Raises NotVisible, NotAllowed, WrongState while it is open.
    """
    target = Target(KIND, f"access review {number}")
    with attempt(Action.ACCESS_REVIEW_EXPORTED, by=grants.actor(by), target=target) as trial:
        review = queries.get_review(by, number)
        needs_people_manage(by)
        if review.state == ReviewState.OPEN:
            raise WrongState(_("This review is still open. Export it when it is closed."))
        trial.target = review_target(review)
        rows = [_row(item) for item in queries.items_of(by, review).iterator(BATCH)]
        text = "".join(FORMS[form](review, rows))
        digest = hashlib.sha256(text.encode()).hexdigest()
        trial.done(review=review.pk, format=form, items=len(rows), sha256=digest)
    return text


def described(review: AccessReview) -> dict[str, Any]:
    """Return a campaign as files tell it."""
    return {
        "id": review.pk,
        "name": review.name,
        "covers": {"groups": review.groups, "roles": review.roles, "pattern": review.pattern},
        "reason": review.reason,
        "state": review.state,
        "opened_by": review.opened_by,
        "opened_at": review.opened_at.isoformat(),
        "last_day": review.last_day.isoformat(),
        "closed_by": review.closed_by,
        "closed_at": review.closed_at.isoformat() if review.closed_at else None,
        "closed_reason": review.closed_reason,
    }


def _row(item: AccessReviewItem) -> dict[str, Any]:
    return {
        "item": item.pk,
        "grant": item.grant_id,
        "holder": item.holder,
        "kind": "group" if item.of_group else "person",
        "role": item.role,
        "on": item.on,
        "last_day": item.last_day.isoformat() if item.last_day else None,
        "given_by": item.given_by,
        "given_at": item.given_at.isoformat(),
        "given_reason": item.given_reason,
        "owner": item.owner.get_username() if item.owner else None,
        "decision": item.decision,
        "decided_by": item.decided_by,
        "decided_at": item.decided_at.isoformat() if item.decided_at else None,
        "reason": item.reason,
    }


def _as_table(_review: AccessReview, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield line(COLUMNS)
    for row in rows:
        yield line(row[name] for name in COLUMNS)


def _as_json(review: AccessReview, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield json.dumps({**described(review), "items": list(rows)}, ensure_ascii=False, indent=2) + "\n"


FORMS: dict[str, Callable[[AccessReview, Iterable[dict[str, Any]]], Iterator[str]]] = {
    "csv": _as_table,
    "json": _as_json,
}
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
