"""Which decisions are in force now: what their requests moved is still where they put it. The others are history."""

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.approvals.models import ApprovalRequest, RequestState
from apps.registry.models import ModelAlias


def holding(requests: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
    """Return those of `requests` that were applied last for a version that is in their stage, or under their alias."""
    rival = ApprovalRequest.objects.filter(
        state=RequestState.APPLIED, version=OuterRef("version"), to_stage=OuterRef("to_stage"), alias=OuterRef("alias")
    )
    newer = Q(closed_at__gt=OuterRef("closed_at")) | Q(closed_at=OuterRef("closed_at"), pk__gt=OuterRef("pk"))
    pointed = ModelAlias.objects.filter(version=OuterRef("version"), alias=OuterRef("alias"))
    there = Q(alias="", version__stage=F("to_stage")) | ~Q(alias="") & Exists(pointed)
    applied = requests.filter(state=RequestState.APPLIED, version__deleted_at=None, version__model__deleted_at=None)
    return applied.filter(there).exclude(Exists(rival.filter(newer)))


def holds(request: ApprovalRequest) -> bool:
    """Return whether a request's decision is in force now."""
    return holding(ApprovalRequest.objects.filter(pk=request.pk)).exists()
