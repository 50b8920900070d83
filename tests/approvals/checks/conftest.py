"""A request under a policy that requires the signature, and a check that a pipeline reports."""

import pytest

from apps.approvals import services
from apps.approvals.checks import reporting
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, ExternalCheck
from apps.registry.models import ModelVersion
from tests.builders import make_policy


@pytest.fixture
def policy(db) -> ApprovalPolicy:
    return make_policy(required_checks=["signature", "external:lint"])


@pytest.fixture
def unsigned(version) -> ModelVersion:
    """Version 2 without a signature."""
    version.signature = None
    version.save()
    return version


@pytest.fixture
def blocked(unsigned, policy, alice, erin) -> ApprovalRequest:
    """Alice's request for a version without a signature, of which nothing was reported either."""
    return services.open_request(unsigned.pk, "Production", reason="Better on May data.", by=alice)


@pytest.fixture
def report(version, alice):
    """Report a check of version 2, as alice's pipeline."""

    def send(outcome: str = "pass", name: str = "lint", *, by=alice, **said) -> ExternalCheck:
        return reporting.report(version.pk, name, outcome, by=by, **said)

    return send
