"""A version that went to Production by a request, as an apply leaves it, and a mirror that was read just now."""

import pytest
from django.utils import timezone

from apps.approvals.models import ApprovalRequest, RequestState
from apps.registry.models import ModelVersion, Stage, SyncRun, SyncState


@pytest.fixture
def fresh(db) -> SyncRun:
    """A pass over MLflow that ended well just now."""
    return SyncRun.objects.create(state=SyncState.DONE, finished_at=timezone.now(), requested_by="beat")


@pytest.fixture
def applied(asked, review, erin, fresh) -> ApprovalRequest:
    """Alice's request, approved by erin and applied: version 2 is in Production."""
    review("approve", erin)
    ModelVersion.objects.filter(number=1).update(stage=Stage.ARCHIVED)
    ModelVersion.objects.filter(number=2).update(stage=Stage.PRODUCTION)
    done = {"state": RequestState.APPLIED, "closed_at": timezone.now(), "expires_at": None}
    ApprovalRequest.objects.filter(pk=asked.pk).update(**done)
    return ApprovalRequest.objects.get(pk=asked.pk)
