"""Loading what controls look at, for a page of models at once: as many queries for one model as for fifty."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.approvals.history import queries as history
from apps.approvals.models import (
    AfterReview,
    ApprovalRequest,
    DriftFinding,
    DriftKind,
    DriftState,
    Recertification,
    RequestState,
)
from apps.compliance.controls import required
from apps.compliance.controls.cards import cards_of
from apps.compliance.controls.descriptions import described
from apps.compliance.controls.identities import identities
from apps.compliance.controls.outcomes import Facts, Placed
from apps.compliance.models import HoldBreach, LegalHold
from apps.registry import placements
from apps.registry.models import ModelVersion, RegisteredModel, Stage

READ = ("model", "number", "description", "source", "run_id", "run", "params", "metrics", "datasets", "signature",
        "requirements", "mlmodel", "artifact_digest", "files", "environment", "details_state", "details_error",
        "stage")  # fmt: skip # what controls read of a version
READ_OF_THE_PAST = ("model", "number", "description")  # the description is taken back to what it was
ASKED = ("evidence", "evidence_digest", "state", "version", "to_stage", "alias", "expedited", "closed_at",
         "recertify_by", "policy__recertify_days")  # fmt: skip
Grouped = dict[int, list[Any]]


def load(models: Iterable[RegisteredModel], at: datetime, *, past: bool) -> list[Facts]:
    """Return the facts of each model at a moment, in the order of `models`. `past`: the moment is over."""
    models = list(models)
    ids = [model.pk for model in models]
    called = identities(models, at if past else None)
    tiers = {key: identity.risk for key, identity in called.items()}
    placed = _placed(models, at, tiers, past=past)
    served = [one.placement for rows in placed.values() for one in rows]
    missing = required.missing(models, served, at)
    drift, owed, holds, breaches = _drift(ids, at), _owed(ids, at), _holds(ids, at), _breaches(ids, at)
    return [
        Facts(
            model,
            at,
            past,
            called[model.pk].reference,
            called[model.pk].risk,
            placed=tuple(placed[model.pk]),
            missing=tuple(missing[model.pk]),
            drift=tuple(drift[model.pk]),
            owed=tuple(owed[model.pk]),
            holds=tuple(holds[model.pk]),
            breaches=tuple(breaches[model.pk]),
        )
        for model in models
    ]


def _placed(models: list[RegisteredModel], at: datetime, tiers: dict[int, str], *, past: bool) -> Grouped:
    """Return what was in Production of each model, with the decision behind it."""
    known = {model.pk: model for model in models}
    rows = list(placements.at(at).filter(model__in=known, stage=Stage.PRODUCTION).order_by("-version__number"))
    versions = _versions({row.version_id for row in rows}, past=past)
    for row in rows:
        row.version = versions[row.version_id]
        row.version.model = known[row.model_id]
    held = history.with_decisions(rows, at)
    requests = _requests({row.request.pk for row in held if row.request})
    certified = _certified(requests)
    told = described((row.version for row in rows), at if past else None)
    cards = cards_of((row.version for row in rows), at if past else None, tiers)
    exchanged = _exchanged(versions, at) if past else {}
    found: Grouped = defaultdict(list)
    for one in held:
        asked = requests.get(one.request.pk) if one.request else None
        found[one.placement.model_id].append(
            Placed(
                one.placement.version,
                one.placement,
                asked,
                tuple(one.approvers),
                tuple(certified[asked.pk]) if asked else (),
                one.placement.version_id in told,
                cards.get(one.placement.version_id),
                _since_signed(asked, exchanged.get(one.placement.version_id, ())),
            )
        )
    return found


def _versions(keys: set[int], *, past: bool) -> dict[int, ModelVersion]:
    """Return versions by their key, with what controls read of them; of the past that is little."""
    rows = ModelVersion.objects.filter(pk__in=keys)
    return rows.only(*(READ_OF_THE_PAST if past else READ)).in_bulk()


def _requests(keys: set[int]) -> dict[int, ApprovalRequest]:
    rows = ApprovalRequest.objects.filter(pk__in=keys).select_related("policy", "after_review")
    return {row.pk: row for row in rows.only(*ASKED, *AFTERWARDS)}


def _exchanged(versions: Iterable[int], at: datetime) -> Grouped:
    """Return by version what was found by then of files that are others than before, and was not so again."""
    back = Q(state__in=(DriftState.REVERTED, DriftState.RESOLVED), settled_at__lte=at)
    rows = DriftFinding.objects.filter(version__in=list(versions), kind=DriftKind.ARTIFACTS, first_seen_at__lte=at)
    found: Grouped = defaultdict(list)
    for row in rows.exclude(back).only("version", "settled_at", "request"):
        found[row.version_id or 0].append(row)
    return found


def _since_signed(asked: ApprovalRequest | None, exchanges: Iterable[DriftFinding]) -> bool:
    """Return whether files were exchanged after a request was applied; one that it answers was signed with it."""
    signed_at = asked.closed_at if asked else None
    return any(
        signed_at is None or row.settled_at is None or row.settled_at > signed_at
        for row in exchanges
        if not (asked and row.request_id == asked.pk)
    )


AFTERWARDS = ("after_review__outcome", "after_review__reviewed_at", "after_review__due_at")


def _certified(requests: Iterable[int]) -> Grouped:
    found: Grouped = defaultdict(list)
    for row in Recertification.objects.filter(request__in=list(requests)).order_by("id"):
        found[row.request_id].append(row)
    return found


def _drift(ids: list[int], at: datetime) -> Grouped:
    open_then = Q(settled_at=None) | Q(settled_at__gt=at)
    rows = DriftFinding.objects.filter(open_then, model__in=ids, first_seen_at__lte=at).order_by("id")
    return _grouped(rows.defer("details"))


def _owed(ids: list[int], at: datetime) -> Grouped:
    """Return what was applied ahead of its review, each with that review."""
    rows = ApprovalRequest.objects.filter(
        version__model__in=ids, expedited=True, state=RequestState.APPLIED, closed_at__lte=at
    )
    rows = rows.select_related("version", "after_review").order_by("id")
    found: Grouped = defaultdict(list)
    for row in rows.only("version__model", *AFTERWARDS):
        review: AfterReview | None = getattr(row, "after_review", None)
        found[row.version.model_id].append((row, review))
    return found


def _holds(ids: list[int], at: datetime) -> Grouped:
    stood = Q(lifted_at=None) | Q(lifted_at__gt=at)
    return _grouped(LegalHold.objects.filter(stood, model__in=ids, set_at__lte=at).order_by("id"))


def _breaches(ids: list[int], at: datetime) -> Grouped:
    """Return the breaches of holds that stood then."""
    stood = Q(hold__lifted_at=None) | Q(hold__lifted_at__gt=at)
    rows = HoldBreach.objects.filter(stood, hold__model__in=ids, found_at__lte=at).select_related("hold")
    found: Grouped = defaultdict(list)
    for row in rows.order_by("id"):
        found[row.hold.model_id].append(row)
    return found


def _grouped(rows: Iterable[Any]) -> Grouped:
    found: Grouped = defaultdict(list)
    for row in rows:
        found[row.model_id].append(row)
    return found
