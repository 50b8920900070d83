"""What two do with a campaign in the same moment. The database decides."""

import pytest

from apps.accounts import giving, grants
from apps.accounts.access_reviews import deciding, lapsing, opening, steering
from apps.accounts.models import Grant
from apps.accounts.permissions import Permission
from apps.audit.models import AuditEvent
from apps.errors import Conflict, RuleViolation, WrongState
from tests.accounts.access_reviews.conftest import in_days, is_due, item_of
from tests.approvals.lifecycle.test_races import together

pytestmark = pytest.mark.django_db(transaction=True)


def done(*actions: str) -> int:
    return AuditEvent.objects.filter(action__in=actions, outcome="done").count()


def test_two_who_decide_at_once_decide_it_once(campaign, by_name, admin, ada):
    steering.reassign(item_of(by_name).pk, None, by=admin, reason="Anybody.")
    number = item_of(by_name).pk
    errors = together(
        lambda: deciding.decide(number, "confirm", by=admin),
        lambda: deciding.decide(number, "remove", by=ada, reason="They left."),
    )
    assert [type(error) for error in errors] == [WrongState]
    assert done("access_review.confirmed", "access_review.removed") == 1
    removed = item_of(by_name).decision == "removed"
    assert Grant.objects.get(pk=by_name.pk).in_force is not removed


def test_an_answer_against_the_lapse_ends_in_one_of_the_two(campaign, by_name, admin):
    number = item_of(by_name).pk

    def lapse() -> None:
        is_due(campaign)
        lapsing.tend()

    errors = together(lapse, lambda: deciding.decide(number, "confirm", by=admin))
    assert (item_of(by_name).decision, [type(error) for error in errors]) in [
        ("lapsed", [WrongState]), ("confirmed", []),
    ]  # fmt: skip


def test_two_rounds_of_the_lapse_at_once_end_each_grant_once(campaign):
    is_due(campaign)
    together(lapsing.tend, lapsing.tend)
    assert (done("access_review.lapsed"), done("access_review.closed")) == (2, 1)


def test_a_removal_against_an_end_by_hand_ends_the_grant_once(campaign, by_name, admin, ada):
    number = item_of(by_name).pk
    errors = together(
        lambda: deciding.decide(number, "remove", by=admin, reason="They left."),
        lambda: giving.end_grant(by_name.pk, by=ada, reason="They left."),
    )
    assert [type(error) for error in errors] == [Conflict]
    ended = AuditEvent.objects.filter(action="grant.changed", outcome="done", data__after__grant=None)
    assert ended.count() == 1


def test_two_admins_who_remove_each_other_leave_one(admin, ada):
    for person in (admin, ada):
        giving.give_grant(person, "admin", by=admin, reason="For themselves.")
    giving.end_grant(Grant.objects.get(group__name="admins").pk, by=admin, reason="No group.")
    review = opening.open_review("Admins", in_days(30), roles=["admin"], by=admin)
    numbers = {item.grant.person_id: item.pk for item in review.items.select_related("grant")}
    steering.reassign_several([numbers[ada.pk]], None, by=ada, reason="Anybody.")
    errors = together(
        lambda: deciding.decide(numbers[ada.pk], "remove", by=admin, reason="Them or me."),
        lambda: deciding.decide(numbers[admin.pk], "remove", by=ada, reason="Them or me."),
    )
    assert grants.lasting_holders(Permission.PEOPLE_MANAGE).count() == 1
    assert len(errors) == 1


def test_two_who_open_a_campaign_of_one_name_open_one(by_name, admin, ada):
    errors = together(
        lambda: opening.open_review("Q", in_days(30), groups=["team"], by=admin),
        lambda: opening.open_review("Q", in_days(30), groups=["team"], by=ada),
    )
    assert [type(error) for error in errors] == [Conflict]


def test_a_grant_that_every_admin_holds_takes_two_also_when_both_confirm_at_once(admin, ada):
    item = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin).items.get()
    errors = together(
        lambda: deciding.decide(item.pk, "confirm", by=admin),
        lambda: deciding.decide(item.pk, "confirm", by=ada),
    )
    item.refresh_from_db()
    assert (errors, item.decision, item.first_by.username == item.decided_by) == ([], "confirmed", False)


def test_one_who_confirms_twice_at_once_is_one_voice(admin, ada):
    item = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin).items.get()
    errors = together(*[lambda: deciding.decide(item.pk, "confirm", by=admin)] * 2)
    item.refresh_from_db()
    assert ([type(error) for error in errors], item.decision) == ([RuleViolation], "pending")
