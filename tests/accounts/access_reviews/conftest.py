"""A team with a grant on names and one on a model that alice owns, and two admins."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.accounts import giving
from apps.accounts.access_reviews import opening
from apps.accounts.models import AccessReview, AccessReviewItem, Grant, User
from apps.accounts.roles import ADMIN
from apps.jobs import ringing
from apps.registry.models import RegisteredModel
from tests.builders import make_model
from tests.conftest import member


@pytest.fixture(autouse=True)
def _no_ring_before() -> None:
    """Rings begin with the first row."""
    ringing._stopped_at.clear()


@pytest.fixture
def ada(db) -> User:
    """A second admin, through the same group as the first."""
    return member("ada", ADMIN)


@pytest.fixture
def team(mallory) -> Group:
    group = Group.objects.create(name="team")
    mallory.groups.add(group)
    return group


@pytest.fixture
def churn(alice) -> RegisteredModel:
    """A model that alice owns, as its tag says."""
    model = make_model("churn-eu")
    RegisteredModel.objects.filter(pk=model.pk).update(owner="alice")
    return model


@pytest.fixture
def by_name(team, admin) -> Grant:
    return giving.give_grant(team, "viewer", "pattern", value="churn-*", by=admin, reason="They look.")


@pytest.fixture
def on_model(team, churn, admin) -> Grant:
    return giving.give_grant(team, "reviewer", "model", model=churn, by=admin, reason="They sign.")


@pytest.fixture
def campaign(admin, by_name, on_model) -> AccessReview:
    """Over the two grants of the team."""
    return opening.open_review("First quarter", in_days(30), groups=["team"], by=admin)


def in_days(days: int):
    """Return the day that many days from now, in UTC."""
    return (timezone.now() + timedelta(days=days)).date()


def item_of(grant: Grant, review: AccessReview | None = None) -> AccessReviewItem:
    """Return the item of a grant as the database has it now."""
    found = AccessReviewItem.objects.filter(grant=grant)
    return (found.filter(review=review) if review else found).get()


def is_due(review: AccessReview) -> None:
    """Let the time of a campaign be over."""
    AccessReview.objects.filter(pk=review.pk).update(due_at=timezone.now() - timedelta(minutes=1))
