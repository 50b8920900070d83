"""A campaign that is over, as a file in constant memory.

That it is exported is recorded at the start, and at the end how many items were sent and their digest. One that was
broken off is recorded as failed; one whose process was killed has a start and no end.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from textwrap import indent
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.access_reviews import queries
from apps.accounts.access_reviews.records import KIND, review_target
from apps.accounts.models import AccessReview, AccessReviewItem, ReviewState, User
from apps.accounts.queries import needs_people_manage
from apps.audit import context
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.audit.services import Target, attempt, record
from apps.cells import line
from apps.errors import NotAllowed, WrongState

COLUMNS = (
    "item", "grant", "holder", "kind", "role", "on", "last_day", "given_by", "given_at", "given_reason", "owner",
    "decision", "decided_by", "decided_at", "reason",
)  # fmt: skip
BATCH = 500
Lines = Callable[[AccessReview, Iterable[dict[str, Any]]], Iterator[str]]


def export(number: int, form: str, *, by: User) -> Iterator[str]:
    """Record that `by` exports, and return the parts of the file: a campaign with the items that they see.

    `form` is "csv" or "json". Raises NotVisible, NotAllowed, WrongState while it is open. Whoever loses the right to
    export in the middle gets no more: NotAllowed breaks the file off.
    """
    target = Target(KIND, f"access review {number}")
    with attempt(Action.ACCESS_REVIEW_EXPORT_STARTED, by=grants.actor(by), target=target) as trial:
        review = queries.get_review(by, number)
        needs_people_manage(by)
        if review.state == ReviewState.OPEN:
            raise WrongState(_("This review is still open. Export it when it is closed."))
        trial.target = review_target(review)
        start = trial.done(review=review.pk, format=form)
    return _recorded(review, form, by, start, context.current())


def _recorded(review: AccessReview, form: str, by: User, start: AuditEvent, origin: context.Origin) -> Iterator[str]:
    """Pass the file on, and record how it ended: whole, or broken off by whoever read or by an error."""
    digest, sent, ended, actor = hashlib.sha256(), 0, False, grants.actor(by)

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal sent
        for item in _items(review, by):
            yield _row(item)
            sent += 1

    try:
        for text in FORMS[form](review, rows()):
            yield text
            digest.update(text.encode())
        ended = True
    finally:
        data: dict[str, Any] = {"review": review.pk, "format": form, "export": start.pk, "items": sent}
        data["sha256"] = digest.hexdigest()
        outcome, target = Outcome.DONE if ended else Outcome.FAILED, review_target(review)
        with context.came_through(origin), transaction.atomic():
            record(Action.ACCESS_REVIEW_EXPORTED, by=actor, target=target, outcome=outcome, **data)


def _items(review: AccessReview, by: User) -> Iterator[AccessReviewItem]:
    """Yield the items that `by` sees, asking anew for each batch who may see what."""
    after: int | None = 0
    while after is not None:
        person = User.objects.filter(pk=by.pk, is_active=True).first()
        if person is not None:
            person.bounds = by.bounds  # those of the token that asked
        if person is None or not queries.manages(person):
            raise NotAllowed(_("You do not manage people any more, so the export ends here."))
        rows, after = queries.page(queries.items_of(person, review), after, BATCH)
        yield from rows


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
    yield _json(described(review)).removesuffix("\n}") + ',\n  "items": ['
    ended = "]"
    for row in rows:
        yield ("\n" if ended == "]" else ",\n") + indent(_json(row), " " * 4)
        ended = "\n  ]"
    yield f"{ended}\n}}\n"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


FORMS: dict[str, Lines] = {"csv": _as_table, "json": _as_json}
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
