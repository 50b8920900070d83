"""A model whose version 2 came into Production by a request that erin approved, as MLflow and the trail know it."""

import pytest
from django.db import transaction

from apps.approvals import evidence
from apps.approvals.models import ApprovalRequest, RequestState
from apps.approvals.records import about, request_target
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Actor
from apps.registry.models import DetailsState, ModelVersion, RegisteredModel
from tests.approvals.history.conftest import reader  # noqa: F401 - a fixture
from tests.builders import make_policy
from tests.modelcards.whole import whole_card
from tests.registry.test_placements import START, at, mirror, settle

GOOD = {
    "description": "Who leaves within a month.",
    "details_state": DetailsState.LOADED,
    "requirements": ["scikit-learn==1.7.0"],
    "metrics": {"accuracy": 0.9},
}
__all__ = ["START", "at", "mirror", "settle"]


@pytest.fixture
def churn(alice, erin) -> RegisteredModel:
    """Minute 1: v1 and v2 are registered. Minute 10: request 1 brings v2 to Production, for 90 days.

    Now v2 has a whole card.
    """
    mirror(1, {1: "None", 2: "None"})
    model = RegisteredModel.objects.get(name="churn")
    ModelVersion.objects.filter(model=model).update(**GOOD)
    version = model.versions.select_related("model").get(number=2)
    signed = evidence.material(version)
    asked = ApprovalRequest.objects.create(
        version=version, from_stage="None", to_stage="Production", archive_existing=True, requester=alice,
        reason="Better.", policy=make_policy(recertify_days=90), state=RequestState.APPLIED, submitted_at=at(5),
        closed_at=at(10), evidence=signed, evidence_digest=evidence.digest(signed),
    )  # fmt: skip
    asked.reviews.create(
        requester=alice, reviewer=erin, counts_for=erin, verdict="approve", evidence_digest=asked.evidence_digest
    )
    settle(2, {2: "Production"}, 10, request=asked.pk)
    applied(asked)
    whole_card("churn", 2, by=alice)
    return model


def applied(asked: ApprovalRequest) -> None:
    """Let the trail tell that a request is applied."""
    with transaction.atomic():
        audit.record(Action.REQUEST_APPLIED, by=Actor("system:approvals"), target=request_target(asked), **about(asked))


@pytest.fixture
def asked(churn) -> ApprovalRequest:
    return ApprovalRequest.objects.get()
