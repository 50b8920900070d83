"""A model with a version in Production and a newer one, and what it takes to sign the newer one off."""

import pytest

from apps.approvals import services
from apps.approvals.models import ApprovalPolicy, ApprovalRequest
from apps.registry.models import ModelVersion, RegisteredModel, Stage
from tests.builders import make_model, make_policy, make_version


@pytest.fixture
def model(db) -> RegisteredModel:
    return make_model()


@pytest.fixture
def champion(model) -> ModelVersion:
    return make_version(model, 1, stage=Stage.PRODUCTION)


@pytest.fixture
def version(model, champion) -> ModelVersion:
    return make_version(model, 2, stage=Stage.STAGING)


@pytest.fixture
def policy(db) -> ApprovalPolicy:
    return make_policy()


@pytest.fixture
def asked(version, policy, alice, bob) -> ApprovalRequest:
    """Alice's open request to move version 2 to Production."""
    return services.open_request(version.pk, "Production", reason="Better on May data.", by=alice)


@pytest.fixture
def review(asked):
    """Act on the request as it is now, having read its evidence."""

    def give(action: str, by, comment: str = "") -> ApprovalRequest:
        digest = ApprovalRequest.objects.get(pk=asked.pk).evidence_digest
        return services.act(asked.pk, action, by=by, comment=comment, evidence_digest=digest)

    return give
