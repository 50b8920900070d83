"""A model with a version in Production and a newer one, and what it takes to sign the newer one off."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_migrate

from apps.approvals import services
from apps.approvals.models import ApprovalPolicy, ApprovalRequest
from apps.audit import triggers
from apps.registry.models import ModelVersion, RegisteredModel, Stage
from tests.builders import make_model, make_policy, make_version


@pytest.fixture(autouse=True)
def _trail_can_be_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """Between tests with real transactions every table is emptied, the trail too; its triggers come back with that."""
    mark = request.node.get_closest_marker("django_db")
    emptied = "transactional_db" in request.fixturenames or (mark and mark.kwargs.get("transaction"))
    if emptied:
        request.getfixturevalue("transactional_db")
    yield
    if emptied:
        triggers.remove(connection)


def _protect_trail(using: str, **options: Any) -> None:
    triggers.install(connection)


post_migrate.connect(_protect_trail, dispatch_uid="tests protect the trail")


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
def asked(version, policy, alice) -> ApprovalRequest:
    """Alice's open request to move version 2 to Production."""
    return services.open_request(version.pk, "Production", reason="Better on May data.", by=alice)


@pytest.fixture
def review(asked):
    """Act on the request as it is now, having read its evidence."""

    def give(action: str, by, comment: str = "") -> ApprovalRequest:
        digest = ApprovalRequest.objects.get(pk=asked.pk).evidence_digest
        return services.act(asked.pk, action, by=by, comment=comment, evidence_digest=digest)

    return give
