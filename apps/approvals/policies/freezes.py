"""Freeze windows: times in which nothing is applied. People may vote meanwhile."""

from datetime import datetime

from django.db.models import Q, QuerySet

from apps.approvals.models import ApprovalRequest, FreezeWindow


def holding(request: ApprovalRequest, at: datetime) -> FreezeWindow | None:
    """Return the freeze that holds a request back at this time, the one that ends last; None when nothing does."""
    return holding_target(request.version.model_id, request.to_stage, at)


def holding_target(model_id: int, stage: str, at: datetime) -> FreezeWindow | None:
    """Return the freeze of a model's stage at this time. An alias is no stage: only freezes of every target hold it."""
    stages = Q(stage="") | Q(stage=stage) if stage else Q(stage="")
    found = standing(at).filter(stages, Q(model=None) | Q(model=model_id), starts_at__lte=at)
    return found.order_by("-ends_at", "id").first()


def standing(at: datetime) -> QuerySet[FreezeWindow]:
    """Return the freezes that are not over at this time, those that have not begun included."""
    return FreezeWindow.objects.filter(Q(lifted_at=None) | Q(lifted_at__gt=at), ends_at__gt=at)
