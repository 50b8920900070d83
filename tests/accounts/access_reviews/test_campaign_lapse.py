"""What nobody confirms lapses: once, whole, killed or rung twice, and never without an admin left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import giving, services
from apps.accounts.access_reviews import deciding, lapsing, opening, queries, steering
from apps.accounts.grants import lasting_holders
from apps.accounts.models import AccessReview, AccessReviewItem, Grant
from apps.accounts.permissions import Permission
from apps.accounts.tasks import tend_access_reviews
from apps.approvals import services as requests
from apps.approvals.models import ApprovalRequest
from apps.audit.models import AuditEvent
from apps.jobs.ringing import over_after
from tests.accounts.access_reviews.conftest import in_days, is_due, item_of
from tests.accounts.test_granting import seen_by
from tests.builders import make_policy, make_version


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("id"))


def state(review: AccessReview) -> str:
    return AccessReview.objects.get(pk=review.pk).state


def test_nothing_happens_before_it_is_due(campaign, by_name):
    assert lapsing.tend() == 0
    assert (state(campaign), item_of(by_name).decision) == ("open", "pending")


def test_what_nobody_confirmed_lapses_and_the_campaign_closes(campaign, by_name, on_model, admin, mallory):
    deciding.decide(item_of(by_name).pk, "confirm", by=admin)
    is_due(campaign)
    tend_access_reviews()
    item, grant = item_of(on_model), Grant.objects.get(pk=on_model.pk)
    assert (item.decision, item.decided_by, grant.in_force, grant.ended_by) == (
        "lapsed", "system:access_reviews", False, "system:access_reviews",
    )  # fmt: skip
    assert (item_of(by_name).decision, Grant.objects.get(pk=by_name.pk).in_force) == ("confirmed", True)
    (lapsed,), changed = events("access_review.lapsed"), events("grant.changed")[-1]
    assert (lapsed.data["before"], lapsed.data["after"]) == ({"decision": "pending"}, {"decision": "lapsed"})
    assert (changed.actor, changed.data["after"]) == ("system:access_reviews", {"grant": None})
    (closed,) = events("access_review.closed")
    assert (state(campaign), closed.data["after"]["lapsed"], closed.data["after"]["confirmed"]) == ("closed", 1, 1)


def test_what_followed_from_a_lapsed_grant_is_gone(campaign, mallory):
    is_due(campaign)
    assert seen_by(mallory) == ["churn-eu"]
    lapsing.tend()
    assert seen_by(mallory) == []


def test_rung_twice_nothing_happens_twice(campaign):
    is_due(campaign)
    lapsing.tend()
    number = AuditEvent.objects.count()
    assert (lapsing.tend(), AuditEvent.objects.count()) == (0, number)


def test_killed_in_the_middle_the_next_round_goes_on(campaign, by_name, on_model, monkeypatch):
    """The process ends while the second grant is ended: what the first did stands, the second did not happen."""
    is_due(campaign)
    done, end_reviewed = [], giving.end_reviewed

    def dies(grant, **more):
        end_reviewed(grant, **more)
        if done:
            raise KeyboardInterrupt
        done.append(grant.pk)

    monkeypatch.setattr(giving, "end_reviewed", dies)
    with pytest.raises(KeyboardInterrupt):
        lapsing.tend()
    assert sorted(AccessReviewItem.objects.values_list("decision", flat=True)) == ["lapsed", "pending"]
    assert Grant.objects.filter(pk__in=[by_name.pk, on_model.pk], ended_at=None).count() == 1
    monkeypatch.undo()
    lapsing.tend()
    assert (state(campaign), len(events("access_review.lapsed"))) == ("closed", 2)


def breaks_at(grant: Grant, monkeypatch) -> None:
    """Let something odd happen whenever this grant is ended."""
    end_reviewed = giving.end_reviewed

    def breaks(given, **more):
        if given.pk == grant.pk:
            raise OSError("odd")
        end_reviewed(given, **more)

    monkeypatch.setattr(giving, "end_reviewed", breaks)


def decisions(review: AccessReview) -> list[str]:
    return list(review.items.order_by("pk").values_list("decision", flat=True))


@pytest.fixture
def crowd(team, admin) -> AccessReview:
    """A campaign over five grants that is due."""
    for number in range(5):
        giving.give_grant(team, "viewer", "pattern", value=f"a{number}-*", by=admin, reason="They look.")
    review = opening.open_review("Crowd", in_days(30), groups=["team"], by=admin)
    is_due(review)
    return review


def test_one_that_breaks_does_not_hold_up_those_after_it(crowd, monkeypatch):
    breaks_at(crowd.items.order_by("pk")[2].grant, monkeypatch)
    assert lapsing.tend() == 4
    assert (decisions(crowd), state(crowd)) == (["lapsed", "lapsed", "pending", "lapsed", "lapsed"], "open")


def test_a_ring_past_its_time_does_one_row_of_each_timer(crowd, campaign, by_name, admin):
    giving.end_grant(by_name.pk, by=admin, reason="They left.")
    AccessReview.objects.filter(pk=campaign.pk).update(remind_at=timezone.now() - timedelta(minutes=1))
    assert lapsing.tend(lambda: True) == 3
    assert (decisions(crowd).count("lapsed"), decisions(campaign).count("ended")) == (1, 1)
    assert len(events("access_review.reminded")) == 1


def test_a_ring_stops_when_its_time_is_over(crowd):
    ticks = iter(range(100))
    assert lapsing.tend(over_after(3, lambda: next(ticks))) == 3
    assert decisions(crowd) == ["lapsed", "lapsed", "lapsed", "pending", "pending"]


def test_the_next_ring_goes_on_behind_one_that_breaks_and_takes_all_the_time(crowd, monkeypatch):
    breaks_at(crowd.items.order_by("pk")[0].grant, monkeypatch)
    for _ring in range(5):
        lapsing.tend(lambda: True)
    assert decisions(crowd) == ["pending", "lapsed", "lapsed", "lapsed", "lapsed"]


def test_the_last_admin_is_kept_and_the_item_says_why(admin):
    review = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin)
    is_due(review)
    lapsing.tend()
    item = review.items.get()
    assert (item.decision, item.grant.in_force, state(review)) == ("kept", True, "closed")
    assert "nobody could manage people" in item.reason
    (kept,) = events("access_review.kept")
    assert (kept.data["after"], lasting_holders(Permission.PEOPLE_MANAGE).get()) == ({"decision": "kept"}, admin)


def test_of_two_admin_grants_one_is_kept(admin, erin):
    giving.give_grant(erin, "admin", by=admin, reason="Two are better.")
    review = opening.open_review("Admins", in_days(30), roles=["admin"], by=admin)
    is_due(review)
    lapsing.tend()
    assert sorted(review.items.values_list("decision", flat=True)) == ["kept", "lapsed"]
    assert lasting_holders(Permission.PEOPLE_MANAGE).count() == 1


def test_a_grant_that_was_ended_by_hand_closes_its_item(campaign, by_name, admin):
    giving.end_grant(by_name.pk, by=admin, reason="They left.")
    assert [line.gone for line in queries.lines(admin, [item_of(by_name)])] == [True]
    lapsing.tend()
    item, (event,) = item_of(by_name), events("access_review.ended")
    assert (item.decision, item.decided_by, item.reason) == ("ended", "admin", "They left.")
    assert event.data["after"] == {"decision": "ended"}


def test_a_grant_whose_last_day_is_over_closes_its_item_whether_it_is_marked_or_not(campaign, by_name):
    Grant.objects.filter(pk=by_name.pk).update(until=timezone.now() - timedelta(minutes=1))
    lapsing.tend()
    assert (item_of(by_name).decision, item_of(by_name).decided_by) == ("ended", "system:access_reviews")


def test_a_grant_replaced_by_another_end_is_not_in_the_campaign_any_more(campaign, team, admin):
    services.change_grant(team, ["viewer"], None, by=admin, reason="All of it.")
    lapsing.tend()
    assert set(campaign.items.values_list("decision", flat=True)) == {"pending"}
    assert campaign.items.count() == 2


def test_an_item_outlives_its_grant_and_holder(campaign, team, by_name):
    number = item_of(by_name).pk
    team.delete()
    lapsing.tend()
    item = AccessReviewItem.objects.get(pk=number)
    assert (item.grant, item.holder, item.decision, state(campaign)) == (None, "team", "ended", "closed")


def test_a_campaign_in_which_all_is_answered_closes_by_itself(campaign, by_name, on_model, admin, alice):
    deciding.decide(item_of(by_name).pk, "confirm", by=admin)
    deciding.decide(item_of(on_model).pk, "confirm", by=alice)
    lapsing.tend()
    assert state(campaign) == "closed"


def test_those_who_have_not_answered_are_reminded_a_week_and_a_day_before(campaign):
    for left in (timedelta(days=6), timedelta(hours=20)):
        now = timezone.now()
        AccessReview.objects.update(due_at=now + left, remind_at=now - timedelta(minutes=1))
        lapsing.tend()
        lapsing.tend()
    reminders = events("access_review.reminded")
    assert [event.data["pending"] for event in reminders] == [2, 2]
    assert (reminders[0].data["after"]["remind_at"] is not None, reminders[1].data["after"]) == (
        True, {"remind_at": None},
    )  # fmt: skip


def test_a_grant_in_two_campaigns_lapses_in_one_and_has_ended_in_the_other(campaign, by_name, admin):
    other = opening.open_review("Other", in_days(60), groups=["team"], by=admin)
    is_due(campaign)
    lapsing.tend()
    lapsing.tend()
    assert (item_of(by_name, campaign).decision, item_of(by_name, other).decision) == ("lapsed", "ended")


@pytest.fixture
def asked_by_admin(churn, on_model, admin) -> ApprovalRequest:
    """The admin waits for the team to sign."""
    make_policy("Production")
    return requests.open_request(make_version(churn, 1).pk, "Production", reason="Better.", by=admin)


def test_whoever_asked_for_a_promotion_removes_no_signer_by_ending_a_campaign_early(
    campaign, asked_by_admin, on_model, admin
):
    steering.end_early(campaign.pk, by=admin, reason="Enough.")
    lapsing.tend()
    item = item_of(on_model)
    assert (item.decision, Grant.objects.get(pk=on_model.pk).in_force, state(campaign)) == ("kept", True, "closed")
    assert item.reason.startswith(f"admin may not bring this about: “You asked for request {asked_by_admin.pk}")
    assert events("access_review.kept")[0].data["after"] == {"decision": "kept"}


def test_nor_by_opening_one_in_which_nobody_answers(campaign, asked_by_admin, on_model, by_name):
    is_due(campaign)
    lapsing.tend()
    assert (item_of(on_model).decision, Grant.objects.get(pk=on_model.pk).in_force) == ("kept", True)
    assert item_of(by_name).decision == "lapsed"


def test_nor_by_not_answering(churn, on_model, alice, ada):
    review = opening.open_review("Hers", in_days(30), groups=["team"], by=ada)
    make_policy("Production")
    requests.open_request(make_version(churn, 1).pk, "Production", reason="Better.", by=alice)
    is_due(review)
    lapsing.tend()
    assert (item_of(on_model).owner, item_of(on_model).decision) == (alice, "kept")
    assert Grant.objects.get(pk=on_model.pk).in_force


def test_what_another_admin_ends_early_lapses_for_them(campaign, asked_by_admin, on_model, ada):
    steering.end_early(campaign.pk, by=ada, reason="The team is gone.")
    lapsing.tend()
    assert (item_of(on_model).decision, Grant.objects.get(pk=on_model.pk).in_force) == ("lapsed", False)
