"""A model whose versions moved in every way: by a decision, by MLflow, and as siblings of a promotion."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals.models import ApprovalRequest, RequestState
from apps.registry.models import Placement, RegisteredModel
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member
from tests.registry.test_placements import START, at, mirror, settle

assert timezone.now() > START


@pytest.fixture
def churn(alice, erin) -> RegisteredModel:
    """Minute 1: v1 is in Production, @champion on it. 10: request 1 promotes v2. 20: MLflow moves v2 to Staging."""
    mirror(1, {1: "Production", 2: "None"}, {"champion": 1})
    model = RegisteredModel.objects.get(name="churn")
    policy = make_policy()
    RegisteredModel.objects.filter(pk=model.pk).update(first_seen_at=at(1))
    request = ApprovalRequest.objects.create(
        version=model.versions.get(number=2), from_stage="None", to_stage="Production", archive_existing=True,
        requester=alice, reason="Better.", policy=policy, state=RequestState.APPLIED, submitted_at=at(5),
        closed_at=at(10), evidence_digest="ab" * 32,
    )  # fmt: skip
    request.reviews.create(
        requester=alice, reviewer=erin, counts_for=erin, verdict="approve", evidence_digest="ab" * 32
    )
    settle(2, {1: "Archived", 2: "Production"}, 10, request=request.pk)
    mirror(20, {1: "Archived", 2: "Staging"}, {"champion": 2})
    return model


def in_production(name: str, minutes: int, **fields) -> Placement:
    """Store a model with a version that is in Production since then."""
    version = make_version(make_model(name), 1, stage="Production")
    values = {"since": START + timedelta(minutes=minutes), "stage": "Production", "source": "mlflow"}
    return Placement.objects.create(model=version.model, version=version, **values | fields)


@pytest.fixture
def reader(db):
    """Somebody who may read one model only: churn, once it is granted."""
    return member("reader")
