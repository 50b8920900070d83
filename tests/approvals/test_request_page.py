"""What the page of a request tells: what holds it back, what changed since a vote, who has something to do."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import services
from apps.approvals.models import ApprovalRequest, FreezeWindow
from apps.registry.models import ModelVersion
from tests.approvals.test_views import browser, detail_url, text_of
from tests.builders import make_policy

FREEZE = "The freeze “Autumn audit” holds this back until"


@pytest.fixture
def freeze(db) -> FreezeWindow:
    now = timezone.now()
    return FreezeWindow.objects.create(
        name="Autumn audit", reason="The auditors read the books.", stage="Production", created_by="admin",
        starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=3),
    )  # fmt: skip


def page(asked, user) -> str:
    return text_of(browser(user).get(detail_url(asked)))


def look_again(asked, **changes) -> None:
    """Let the mirror bring other details, and the request see them."""
    ModelVersion.objects.filter(pk=asked.version_id).update(**changes)
    services.reconsider(asked.pk)


def approve(asked, by) -> None:
    services.act(asked.pk, "approve", by=by, evidence_digest=asked.evidence_digest)


def test_a_freeze_is_told_of_while_people_vote_and_while_the_move_waits(asked, freeze, alice, bob):
    assert page(asked, alice).count(FREEZE) == 1
    approve(asked, bob)
    said = page(asked, alice)
    assert (said.count(FREEZE), said.count("Approved, and not written to MLflow yet.")) == (1, 1)


def test_no_freeze_is_told_of_where_none_holds_anything_back(asked, freeze, alice, bob):
    ApprovalRequest.objects.filter(pk=asked.pk).update(expedited=True, state="approved")
    assert FREEZE not in page(asked, alice)
    ApprovalRequest.objects.filter(pk=asked.pk).update(expedited=False, state="rejected", closed_at=timezone.now())
    assert FREEZE not in page(asked, alice)


def test_evidence_that_changed_before_anybody_voted_dismissed_nobody(asked, alice):
    look_again(asked, metrics={"accuracy": 0.7})
    assert "The evidence changed; no review was dismissed" in page(asked, alice)


def test_evidence_that_took_a_vote_with_it_says_so(version, bob, erin, alice):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    approve(asked, bob)
    look_again(asked, metrics={"accuracy": 0.7})
    said = page(asked, bob)
    assert ("The evidence changed; reviews were dismissed" in said, "Changed since your vote" in said) == (True, True)


def test_what_no_vote_falls_by_is_no_change_since_it(version, bob, erin, alice):
    make_policy(required_approvals=2)
    ModelVersion.objects.filter(pk=version.pk).update(environment={})
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    approve(asked, bob)
    look_again(asked, environment={"complete": True, "conda": {"dependencies": ["python=3.11.7"]}})
    said = page(asked, bob)
    assert ("The evidence changed: the environment." in said, "Changed since your vote" in said) == (True, False)


def test_who_has_nothing_to_decide_has_no_bar_over_the_page(asked, bob, charlie):
    bars = [b"decision-bar-idle" in browser(person).get(detail_url(asked)).content for person in (bob, charlie)]
    assert bars == [False, True]
