"""Opening a campaign: a look at what it would cover first, then one transaction that writes it down."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import chains, granting
from apps.accounts.access_reviews import coverage, owners
from apps.accounts.access_reviews.owners import Assigned
from apps.accounts.access_reviews.records import KIND, kept, review_target
from apps.accounts.managing import managing
from apps.accounts.models import AccessReview, AccessReviewItem, ReviewState, User
from apps.accounts.queries import needs_people_manage
from apps.audit.actions import Action
from apps.audit.chain import storable_text
from apps.audit.services import Target
from apps.errors import Conflict, InvalidInput

MAX_NAME = 150  # characters
SHORTEST, LONGEST = 1, 90  # days
MOST_GRANTS = 50_000
BATCH = 500
REMINDED = (timedelta(days=7), timedelta(days=1))  # before it is due
NAMED = 50  # of those who answer


@dataclass(frozen=True)
class Look:
    """What a campaign would cover: how many grants, and who would answer for how many ("": any admin).

    `two`: grants that every admin holds, which two of them confirm. `nobody`: those that nobody could confirm.
    `digest`: of just these grants, and who answers for each.
    """

    grants: int
    by_owner: list[tuple[str, int]]
    more: int
    two: int
    nobody: int
    digest: str


def look(groups: Iterable[str] = (), roles: Iterable[str] = (), pattern: str = "", *, by: User) -> Look:
    """Return what a campaign would cover now. Writes nothing. Raises NotAllowed, InvalidInput."""
    needs_people_manage(by)
    return _look(owners.assigned(coverage.covered(coverage.checked(groups, roles, pattern), by), by))


def open_review(
    name: str,
    until: date,
    *,
    by: User,
    groups: Iterable[str] = (),
    roles: Iterable[str] = (),
    pattern: str = "",
    reason: str = "",
    seen: str | None = None,
) -> AccessReview:
    """Open a campaign over the grants in force; `until` is its last day (UTC). `seen`: the digest of the look.

    Raises NotAllowed, InvalidInput (name, until, groups, roles, pattern), Conflict when an open one has the name, or
    when it would cover other grants than were seen, or others would answer for them.
    """
    with managing(Action.ACCESS_REVIEW_OPENED, by=by, target=Target(KIND, "a new access review")) as trial:
        wanted = coverage.checked(groups, roles, pattern)
        name, due = _checked_name(name), due_at(until)
        granting.lock()  # a grant that is given in the same moment is in it, or was given afterwards
        rows = owners.assigned(coverage.covered(wanted, by), by)
        _check(rows, seen)
        if AccessReview.objects.filter(name=name, state=ReviewState.OPEN).exists():
            raise Conflict(_("An access review of this name is open. Choose another name."), field="name")
        review = AccessReview.objects.create(
            name=name, reason=kept(reason), due_at=due, opened_by=by.get_username(),
            remind_at=next_reminder(timezone.now(), due), **wanted.described(),
        )  # fmt: skip
        AccessReviewItem.objects.bulk_create([_item(review, row) for row in rows], batch_size=BATCH)
        trial.target = review_target(review)
        said = {"name": name, **wanted.described(), "until": until.isoformat(), "grants": len(rows)}
        said["owners"] = len({row.owner for row in rows})
        trial.done(reason=review.reason, review=review.pk, before=None, after=said)
    return review


def due_at(until: date) -> datetime:
    """Return the moment from which nobody answers any more. Raises InvalidInput (field "until")."""
    today = timezone.now().astimezone(UTC).date()
    if not SHORTEST <= (until - today).days <= LONGEST:
        message = _("The last day is %(first)s to %(last)s: a review takes 1 to 90 days.")
        first, last = today + timedelta(days=SHORTEST), today + timedelta(days=LONGEST)
        raise InvalidInput(message % {"first": first, "last": last}, field="until")
    return datetime.combine(until + timedelta(days=1), time.min, UTC)


def next_reminder(now: datetime, due: datetime) -> datetime | None:
    """Return when those who have not answered are reminded next; None: not again."""
    return min((due - before for before in REMINDED if due - before > now), default=None)


def _look(rows: list[Assigned]) -> Look:
    counted = owners.counted(rows)
    two = sum(row.all_hold and not row.nobody for row in rows)
    nobody = sum(row.nobody for row in rows)
    return Look(len(rows), counted[:NAMED], max(len(counted) - NAMED, 0), two, nobody, _digest(rows))


def _digest(rows: list[Assigned]) -> str:
    """Return what tells these grants, with who answers for them, from all others."""
    keys = sorted((row.grant.pk, row.owner.pk if row.owner else 0) for row in rows)
    return hashlib.sha256(json.dumps(keys).encode()).hexdigest()


def _check(rows: list[Assigned], seen: str | None) -> None:
    if not rows:
        raise InvalidInput(_("No grant in force fits this. Name other groups, roles or models."), field="groups")
    if len(rows) > MOST_GRANTS:
        message = _("These are %(number)d grants, and one review takes %(most)d. Narrow it by groups or roles.")
        raise InvalidInput(message % {"number": len(rows), "most": MOST_GRANTS}, field="groups")
    if seen is not None and seen != _digest(rows):
        message = _("It would cover other grants now, or others would answer for them. Look again, then open it.")
        raise Conflict(message, field="seen")


def _checked_name(name: str) -> str:
    name = storable_text(" ".join(name.split()))
    if not name or len(name) > MAX_NAME:
        raise InvalidInput(_("Write a name of at most %(most)d characters.") % {"most": MAX_NAME}, field="name")
    return name


def _item(review: AccessReview, row: Assigned) -> AccessReviewItem:
    grant = row.grant
    return AccessReviewItem(
        review=review, grant=grant, holder=coverage.holder_name(grant), of_group=grant.group_id is not None,
        role=grant.role, on=chains.where(grant), model_id=grant.model_id, last_day=grant.last_day,
        given_by=grant.made_by, given_at=grant.made_at, given_reason=grant.reason, owner=row.owner,
        answers=row.answers,
    )  # fmt: skip
