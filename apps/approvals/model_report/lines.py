"""The lines of a model's report, in the order in which it happened: one query for each kind, merged by time."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import MODEL_PERMISSIONS, Permission
from apps.approvals.models import ApprovalRequest, DriftFinding, RequestState, Review
from apps.approvals.queries import BIG
from apps.approvals.titles import target_of
from apps.approvals.visibility import requests_seen_by
from apps.masking import masked
from apps.registry import queries as registry
from apps.registry.models import Placement, RegisteredModel, Stage

BATCH = 200  # rows that a stream holds at a time
WITHOUT = tuple(f"version__{name}" for name in registry.DETAILS)
REQUEST_WITHOUT = tuple(f"request__{name}" for name in ("evidence", "checks", "baseline", *WITHOUT))


@dataclass(frozen=True)
class Line:
    """One thing that happened. `what`: asked, signed, closed, placed, drifted or settled; `said`: how, in a word.

    `role` is what the person held at that time, where it was kept. `until` ends what `placed` began (None: it is so).
    """

    at: datetime
    what: str
    said: str
    version: int | None
    target: str
    who: str = ""
    role: str = ""
    reason: str = ""
    request: int | None = None
    evidence_digest: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Holder:
    """Somebody who holds roles on the model now, by group or person, on it or on the whole registry."""

    who: str
    roles: tuple[str, ...]


def lines(user: Any, model: RegisteredModel) -> Iterator[Line]:
    """Yield every line, the oldest first, in bounded memory. Drafts are left out."""
    return heapq.merge(*(stream(rows) for stream, rows in _streams(user, model)), key=_time)


def newest(user: Any, model: RegisteredModel, most: int) -> tuple[list[Line], bool]:
    """Return the `most` newest lines, the oldest of them first, and whether there are older ones."""
    found = [stream(rows.reverse()[: most + 1]) for stream, rows in _streams(user, model)]
    merged = list(islice(heapq.merge(*found, key=_time, reverse=True), most + 1))
    return merged[:most][::-1], len(merged) > most


def holders(model: RegisteredModel) -> list[Holder]:
    """Return who holds which roles on a model now, by name; one query for each permission."""
    held: dict[str, set[Permission]] = {}
    for permission in MODEL_PERMISSIONS:
        for name in grants.holders(permission, model).values_list(User.USERNAME_FIELD, flat=True):
            held.setdefault(str(name), set()).add(permission)
    return [Holder(name, tuple(grants.roles_for(found))) for name, found in sorted(held.items())]


def _streams(user: Any, model: RegisteredModel) -> list[tuple[Any, QuerySet]]:
    """Return each kind of line with its rows in order of time."""
    requests = requests_seen_by(user).filter(version__model=model).exclude(state=RequestState.DRAFT)
    requests = requests.select_related("version", "requester").defer(*BIG)
    reviews = Review.objects.filter(request__in=requests.order_by().values("pk"))
    reviews = reviews.select_related("request__version", "reviewer", "counts_for").defer(*REQUEST_WITHOUT)
    placed = Placement.objects.filter(Q(stage=Stage.PRODUCTION) | ~Q(alias=""), model=model)
    drift = DriftFinding.objects.filter(model=model).select_related("version").defer(*WITHOUT)
    return [
        (_asked, requests.order_by("submitted_at", "pk")),
        (_signed, reviews.order_by("created_at", "pk")),
        (_closed, requests.filter(closed_at__isnull=False).order_by("closed_at", "pk")),
        (_placed, placed.select_related("version").defer(*WITHOUT).order_by("since", "pk")),
        (_drifted, drift.order_by("first_seen_at", "pk")),
        (_settled, drift.filter(settled_at__isnull=False).order_by("settled_at", "pk")),
    ]


def _rows(rows: QuerySet) -> Iterable[Any]:
    return rows.iterator(chunk_size=BATCH)


def _time(line: Line) -> datetime:
    return line.at


def _asked(rows: QuerySet) -> Iterator[Line]:
    for row in _rows(rows):
        yield _of_request(row, row.submitted_at, "asked", row.kind, who=row.requester.get_username(), reason=row.reason)


def _closed(rows: QuerySet) -> Iterator[Line]:
    for row in _rows(rows):
        yield _of_request(row, row.closed_at, "closed", "bypassed" if row.bypassed else row.state)


def _of_request(
    row: ApprovalRequest, at: datetime | None, what: str, said: str, *, who: str = "", reason: str = ""
) -> Line:
    if at is None:
        raise ValueError(f"request {row.pk} has no time for {what}")
    return Line(
        at, what, said, row.version.number, target_of(row), who=who, reason=masked(reason), request=row.pk,
        evidence_digest=row.evidence_digest,
    )  # fmt: skip


def _signed(rows: QuerySet) -> Iterator[Line]:
    for row in _rows(rows):
        reviewer, counts_for = row.reviewer.get_username(), row.counts_for.get_username()
        yield Line(
            row.created_at, "signed", row.verdict, row.request.version.number, target_of(row.request),
            who=reviewer if reviewer == counts_for else f"{reviewer} for {counts_for}", role=row.reviewer_role,
            reason=masked(row.comment), request=row.request_id, evidence_digest=row.evidence_digest,
        )  # fmt: skip


def _placed(rows: QuerySet) -> Iterator[Line]:
    for row in _rows(rows):
        yield Line(row.since, "placed", row.source, row.version.number, row.place, request=row.request, until=row.until)


def _drifted(rows: QuerySet) -> Iterator[Line]:
    for row in _rows(rows):
        change = masked(f"{row.expected or '–'} → {row.found or '–'}")
        yield _of_drift(row, row.first_seen_at, "drifted", row.kind, reason=change)


def _settled(rows: QuerySet) -> Iterator[Line]:
    for row in _rows(rows):
        yield _of_drift(row, row.settled_at, "settled", row.state, who=row.settled_by, reason=masked(row.reason))


def _of_drift(row: DriftFinding, at: Any, what: str, said: str, *, who: str = "", reason: str = "") -> Line:
    number = row.version.number if row.version else None
    place = f"@{row.alias}" if row.alias else str(row.get_kind_display())
    return Line(at, what, said, number, place, who=who, reason=reason, request=row.request_id)
