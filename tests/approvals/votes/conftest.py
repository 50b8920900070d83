"""A third reviewer, and the ways to sign."""

import pytest
from django.core.cache import cache

from apps.accounts.models import User
from apps.accounts.roles import REVIEWER
from apps.approvals import services
from apps.approvals.models import ApprovalRequest, Review
from apps.approvals.signing import Signing
from tests.conftest import member


@pytest.fixture
def frank(db) -> User:
    """A third reviewer, beside bob and erin."""
    return member("frank", REVIEWER)


@pytest.fixture(autouse=True)
def no_failures():
    """Wrong passwords are counted in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def sign(asked):
    """Sign the request as it is now, with what a signature takes; returns the standing review."""

    def give(by, action: str = "approve", comment: str = "", **terms) -> Review:
        digest = ApprovalRequest.objects.get(pk=asked.pk).evidence_digest
        services.act(asked.pk, action, by=by, comment=comment, evidence_digest=digest, signing=Signing(**terms))
        return Review.objects.filter(request=asked, reviewer=by, standing=True).get()

    return give
