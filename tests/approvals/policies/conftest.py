"""Two admins, as publishing takes them, and a draft that the first one made."""

import pytest

from apps.accounts.models import User
from apps.accounts.roles import ADMIN
from apps.approvals.models import ApprovalPolicy
from apps.approvals.policies import drafting
from tests.conftest import member


@pytest.fixture
def ada(db) -> User:
    """The second admin."""
    return member("ada", ADMIN)


@pytest.fixture
def draft(admin) -> ApprovalPolicy:
    """A draft for Production: two reviewers."""
    return drafting.draft({"stage": "Production", "reason": "Four eyes."}, [{"needed": 2, "group": None}], by=admin)
