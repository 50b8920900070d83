"""Ways around the votes that somebody might find, one by one: the machine of test_no_way_around.py, led by hand."""

from collections.abc import Iterator

import pytest

from apps.approvals.models import ApprovalRequest, DriftFinding
from tests.approvals.oracle import ALIAS, STAGE, Rule, Terms
from tests.approvals.stories import NoWayAround, make_everybody
from tests.builders import THEN
from tests.servers.one_model import one_model

ONE, TWO = Terms((Rule(1),)), Terms((Rule(2),))


@pytest.fixture
def way(db, settings) -> Iterator[NoWayAround]:
    make_everybody()
    with one_model("churn", THEN, settings) as NoWayAround.mlflow:
        yield NoWayAround()


def state() -> str:
    return ApprovalRequest.objects.latest("pk").state


def failed(way: NoWayAround, terms: Terms, place: str = STAGE, *, last: bool = True) -> None:
    """Leave a request for version 3 that was approved by bob, and that MLflow did not take (`last`: any more)."""
    way.begin(terms, terms)
    way.ask("alice", 3, place)
    way.vote("bob", 0, "approve")
    way.mlflow.down = True
    way.workers_work(last)
    way.mlflow.down = False
    assert state() == ("apply_failed" if last else "applying")


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("meanwhile", ["leave", "metric", "files", "freeze"])
def test_what_failed_and_was_moved_by_hand_is_not_applied_without_its_votes(way, meanwhile, seen):
    failed(way, ONE)
    way.moved_by_hand(3, STAGE, seen)
    way.something_happens(3, meanwhile)
    way.steer("alice", 0, "retry")
    way.workers_work()
    assert state() != "applied"


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("meanwhile", ["leave", "metric", "files"])
def test_an_alias_that_failed_and_was_moved_by_hand_is_not_applied_without_its_votes(way, meanwhile, seen):
    failed(way, ONE, ALIAS)
    way.pointed_by_hand(3, seen)
    way.something_happens(3, meanwhile)
    way.steer("alice", 0, "retry")
    way.workers_work()
    assert state() != "applied"


@pytest.mark.parametrize("meanwhile", ["leave", "metric", "files"])
def test_what_is_moved_by_hand_between_two_attempts_is_not_applied_without_its_votes(way, meanwhile):
    failed(way, ONE, last=False)
    way.moved_by_hand(3, STAGE)
    way.something_happens(3, meanwhile)
    way.workers_work()
    assert state() != "applied"


def test_an_alias_is_not_moved_along_with_a_stage_that_somebody_moved_by_hand(way):
    failed(way, Terms((Rule(1),), moves_alias="champion"))
    way.moved_by_hand(3, STAGE)
    way.something_happens(3, "leave")
    way.steer("alice", 0, "retry")
    way.workers_work()
    assert state() != "applied"


@pytest.mark.parametrize("again", [("fail", "CVE-2"), ("error", "CVE-1")])
def test_a_waiver_does_not_cover_what_a_later_report_found(way, again):
    way.begin(Terms((Rule(1),), required=True))
    way.ask("alice", 3)
    way.report("grace", 3, "fail", "CVE-1")
    way.waive("bob", 0)
    way.report("grace", 3, *again)
    way.everybody_approves()
    way.workers_work()
    assert state() == "open"


def test_one_person_does_not_accept_an_alias_whose_policy_wants_two(way):
    way.begin(ONE, TWO)
    way.pointed_by_hand(3)
    way.settle_drift("bob", "accept", "alice")
    assert DriftFinding.objects.get().state == "open"


@pytest.mark.parametrize("staleness", ["all", "scoped", "none"])
def test_the_wait_of_a_policy_is_kept_that_an_approved_request_follows_later(way, staleness):
    way.begin(ONE)
    way.freeze_or_thaw()
    way.ask("alice", 3)
    way.vote("bob", 0, "approve")
    way.publish(Terms((Rule(1),), staleness=staleness, wait_minutes=60))
    way.repin(0)
    way.freeze_or_thaw()
    way.time_passes(45)
    way.workers_work()
    assert state() != "applied"


def test_an_approval_is_not_applied_after_the_time_of_a_policy_that_it_follows_later(way):
    way.begin(ONE)
    way.freeze_or_thaw()
    way.ask("alice", 3)
    way.vote("bob", 0, "approve")
    way.publish(Terms((Rule(1),), staleness="none", approval_days=1))
    way.repin(0)
    way.time_passes(24 * 60 + 90)
    way.freeze_or_thaw()
    way.the_timers_ring()
    way.workers_work()
    assert state() != "applied"
