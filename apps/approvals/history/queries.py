"""Reading what was so at a moment, with the decisions behind it. Constant query counts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from apps.approvals.models import ApprovalRequest, RequestState, Review, Verdict
from apps.registry import keyset, placements
from apps.registry import queries as registry
from apps.registry.connections import named
from apps.registry.models import Placement, RegisteredModel

BIG = tuple(f"version__{name}" for name in registry.DETAILS)
NEWEST_FIRST = keyset.Order("since", descending=True)


@dataclass(frozen=True)
class Held:
    """A version in a place at the moment asked for, and the request that put it there, if one did.

    `approvers` are user names, in the order in which they approved.
    """

    placement: Placement
    request: ApprovalRequest | None
    approvers: list[str] = field(default_factory=list)

    @property
    def evidence_digest(self) -> str:
        """What was signed; empty where nobody signed."""
        return self.request.evidence_digest if self.request else ""


@dataclass(frozen=True)
class HeldPage:
    """A page of what was in a stage, with the cursors of the pages around it."""

    rows: list[Held]
    next: str
    previous: str


def model_at(user: Any, reference: str, at: datetime) -> RegisteredModel:
    """Return the model that had this name at a moment, else the one that has it now. Raises NotVisible.

    A name can be used again after a deletion; names before a renaming are not kept.
    """
    lived = registry.visible_models(user).filter(named(reference), created_at__lte=at)
    lived = lived.filter(Q(deleted_at=None) | Q(deleted_at__gt=at))
    return lived.order_by(F("deleted_at").asc(nulls_last=True), "-pk").first() or registry.get_model(user, reference)


def of_model(model: RegisteredModel, at: datetime) -> list[Held]:
    """Return everything that was in a stage or under an alias then, stages first, new versions first."""
    rows = placements.at(at).filter(model=model).select_related("version__model").defer(*BIG)
    return with_decisions(sorted(rows, key=_in_order), at)


def rows_in(user: Any, stage: str, at: datetime) -> QuerySet[Placement]:
    """Return what was in a stage then, of every model that `user` may read, deleted ones too; without an order."""
    rows = placements.at(at).filter(stage=stage, model__in=registry.visible_models(user))
    return rows.select_related("version__model").defer(*BIG)


def page_of(user: Any, stage: str, at: datetime, size: int, cursor: str = "") -> HeldPage:
    """Return a page of what was in a stage then, the last to come there first. Raises InvalidInput (field "cursor")."""
    page = keyset.page(rows_in(user, stage, at), NEWEST_FIRST, size, cursor)
    return HeldPage(with_decisions(page.rows, at), page.next, page.previous)


def with_decisions(rows: Iterable[Placement], at: datetime) -> list[Held]:
    """Add to each the request that put it there, else the last one for just this that was applied since, by then."""
    rows = list(rows)
    numbers = {row.request for row in rows if row.request}
    later = Q(state=RequestState.APPLIED, version__in={row.version_id for row in rows}, closed_at__lte=at)
    found = ApprovalRequest.objects.filter(Q(pk__in=numbers) | later).select_related("requester", "version")
    found = found.defer("evidence", "checks", "baseline", *BIG).order_by("closed_at", "pk")
    requests = {request.pk: request for request in found}
    chosen = {row.pk: requests.get(row.request or 0) or _since(row, requests.values()) for row in rows}
    approvers = _approvers({request.pk for request in chosen.values() if request})
    return [
        Held(row, request, approvers.get(request.pk, []) if request else [])
        for row in rows
        for request in [chosen[row.pk]]
    ]


def _since(row: Placement, requests: Iterable[ApprovalRequest]) -> ApprovalRequest | None:
    """Return the last request that made a decision of what was so already: drift that was asked for afterwards."""
    fitting = [
        request
        for request in requests
        if (request.version_id, request.to_stage, request.alias) == (row.version_id, row.stage, row.alias)
        and request.state == RequestState.APPLIED
        and request.closed_at is not None
        and request.closed_at >= row.since
    ]
    return fitting[-1] if fitting else None


def _approvers(requests: set[int]) -> dict[int, list[str]]:
    approvals = Review.objects.filter(request__in=requests, verdict=Verdict.APPROVE, standing=True).order_by("id")
    names: dict[int, list[str]] = {}
    for request, name in approvals.values_list("request_id", "reviewer__username"):
        names.setdefault(request, []).append(name)
    return names


def _in_order(row: Placement) -> tuple[bool, str, int]:
    return bool(row.alias), row.alias or STAGE_ORDER.get(row.stage, row.stage), -row.version.number


STAGE_ORDER = {"Production": "1", "Staging": "2", "Archived": "3"}
