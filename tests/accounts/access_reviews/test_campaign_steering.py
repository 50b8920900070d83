"""What admins do with a campaign that runs: reassign, end it early, cancel it."""

import pytest
from django.utils import timezone

from apps.accounts import giving, services
from apps.accounts.access_reviews import deciding, lapsing, queries, steering
from apps.accounts.models import AccessReview, Grant, User
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, RuleViolation, WrongState
from tests.accounts.access_reviews.conftest import is_due, item_of
from tests.conftest import member


def help_desk(admin: User) -> User:
    """Somebody who manages people and sees no model."""
    desk = member("desk")
    giving.give_grant(desk, "people:manage", by=admin, reason="Help desk.")
    return User.objects.get(pk=desk.pk)


def test_a_reassigned_item_waits_for_the_other_one(campaign, by_name, admin, erin):
    steering.reassign(item_of(by_name).pk, erin, by=admin, reason="She knows them.")
    assert (list(queries.waiting_for(erin)), item_of(by_name).answers) == ([item_of(by_name)], "reassigned")
    event = AuditEvent.objects.get(action="access_review.reassigned")
    assert (event.data["before"], event.data["after"]) == ({"owner": "admin"}, {"owner": "erin"})
    deciding.decide(item_of(by_name).pk, "confirm", by=erin)
    assert item_of(by_name).decided_by == "erin"


def test_an_item_is_not_reassigned_to_who_holds_it_or_cannot_see_or_sign_in(
    campaign, by_name, on_model, admin, mallory
):
    with pytest.raises(RuleViolation, match="mallory holds this grant"):
        steering.reassign(item_of(by_name).pk, mallory, by=admin, reason="She knows them.")
    robot = services.create_service_account("robot", by=admin)
    for person in (robot, member("heidi")):
        with pytest.raises(InvalidInput) as error:
            steering.reassign(item_of(on_model).pk, person, by=admin, reason="Why not.")
        assert error.value.field == "person"


def test_an_item_is_not_reassigned_to_who_answers_already_nor_when_it_is_decided(campaign, by_name, admin, erin):
    with pytest.raises(Conflict):
        steering.reassign(item_of(by_name).pk, admin, by=admin, reason="Again.")
    deciding.decide(item_of(by_name).pk, "confirm", by=admin)
    with pytest.raises(WrongState):
        steering.reassign(item_of(by_name).pk, erin, by=admin, reason="Late.")


def test_only_an_admin_reassigns_ends_or_cancels(campaign, on_model, alice):
    for deed in (
        lambda: steering.reassign(item_of(on_model).pk, None, by=alice, reason="Not me."),
        lambda: steering.reassign_several([item_of(on_model).pk], None, by=alice, reason="Not me."),
        lambda: steering.end_early(campaign.pk, by=alice, reason="Enough."),
        lambda: steering.cancel(campaign.pk, by=alice, reason="Enough."),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_ended_early_it_lapses_what_is_unanswered(campaign, by_name, on_model, admin):
    deciding.decide(item_of(by_name).pk, "confirm", by=admin)
    steering.end_early(campaign.pk, by=admin, reason="The audit is tomorrow.", seen=1)
    with pytest.raises(WrongState):
        steering.end_early(campaign.pk, by=admin, reason="Again.")
    lapsing.tend()
    campaign.refresh_from_db()
    assert (item_of(on_model).decision, campaign.state, campaign.closed_by) == ("lapsed", "closed", "admin")
    event = AuditEvent.objects.get(action="access_review.cut_short", outcome="done")
    assert (event.data["pending"], event.reason) == (1, "The audit is tomorrow.")


def test_it_is_not_ended_on_another_number_of_unanswered_grants_than_was_seen(campaign, admin):
    with pytest.raises(Conflict, match="answered meanwhile"):
        steering.end_early(campaign.pk, by=admin, reason="Enough.", seen=1)


def test_cancelled_nothing_lapses_and_what_is_decided_stays(campaign, by_name, on_model, admin, alice):
    deciding.decide(item_of(on_model).pk, "remove", by=alice, reason="They left.")
    steering.cancel(campaign.pk, by=admin, reason="Opened by mistake.")
    lapsing.tend()
    assert (item_of(on_model).decision, item_of(by_name).decision) == ("removed", "cancelled")
    assert Grant.objects.get(pk=by_name.pk).in_force
    event = AuditEvent.objects.get(action="access_review.cancelled")
    assert (event.data["before"], event.data["after"], event.data["unanswered"]) == (
        {"state": "open"}, {"state": "cancelled"}, 1,
    )  # fmt: skip
    with pytest.raises(WrongState):
        steering.cancel(campaign.pk, by=admin, reason="Again.")


def test_a_campaign_that_is_due_is_neither_ended_nor_cancelled(campaign, admin):
    is_due(campaign)
    for deed in (steering.end_early, steering.cancel):
        with pytest.raises(WrongState):
            deed(campaign.pk, by=admin, reason="Late.")


@pytest.mark.parametrize("deed", [steering.end_early, steering.cancel])
def test_nobody_ends_unanswered_grants_that_they_may_not_see(campaign, by_name, on_model, admin, alice, deed):
    desk = help_desk(admin)
    with pytest.raises(RuleViolation, match="on models that you may not see"):
        deed(campaign.pk, by=desk, reason="Enough.")
    assert AccessReview.objects.get(pk=campaign.pk).state == "open"
    deciding.decide(item_of(on_model).pk, "confirm", by=alice)
    deed(campaign.pk, by=desk, reason="Enough.")
    assert AccessReview.objects.get(pk=campaign.pk).is_over(timezone.now())


@pytest.mark.parametrize("deed", [steering.end_early, steering.cancel])
def test_an_end_needs_a_reason(campaign, admin, deed):
    with pytest.raises(InvalidInput) as error:
        deed(campaign.pk, by=admin, reason="")
    assert error.value.field == "reason"
