"""Opening a campaign: what it covers, who answers for what, what the look says, and what is refused."""

from datetime import UTC, datetime, time, timedelta

import pytest

from apps.accounts import giving, services
from apps.accounts.access_reviews import opening
from apps.accounts.models import AccessReview, AccessReviewItem, Grant, User
from apps.accounts.roles import ADMIN
from apps.audit.actions import Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed
from apps.registry.models import RegisteredModel
from tests.accounts.access_reviews.conftest import in_days, item_of
from tests.builders import make_model
from tests.conftest import member


def owners(review: AccessReview) -> dict[int, tuple[str | None, str]]:
    rows = review.items.select_related("owner")
    return {row.grant_id: (row.owner.username if row.owner else None, row.answers) for row in rows}


def test_the_owner_of_the_model_answers_else_whoever_gave_the_grant(campaign, by_name, on_model):
    assert owners(campaign) == {by_name.pk: ("admin", "giver"), on_model.pk: ("alice", "model_owner")}


def test_an_item_tells_what_the_grant_said(campaign, on_model):
    item = item_of(on_model)
    assert (item.holder, item.of_group, item.role, item.on, item.given_by, item.given_reason) == (
        "team", True, "reviewer", "churn-eu", "admin", "They sign.",
    )  # fmt: skip


def test_the_trail_says_what_was_opened(campaign, admin):
    event = AuditEvent.objects.get(action="access_review.opened")
    assert (event.actor, event.target, event.data["after"]) == (
        "admin",
        f"access review {campaign.pk}",
        {"name": "First quarter", "groups": ["team"], "roles": [], "pattern": "", "until": in_days(30).isoformat(),
         "grants": 2, "owners": 2},
    )  # fmt: skip


def test_it_is_due_at_the_end_of_its_last_day(campaign):
    assert campaign.due_at == datetime.combine(in_days(31), time.min, UTC)
    assert campaign.remind_at == campaign.due_at - timedelta(days=7)


def test_without_a_choice_it_covers_every_grant_in_force(admin, ada, erin, by_name):
    giving.end_grant(by_name.pk, by=admin, reason="Over.")
    review = opening.open_review("All", in_days(30), by=admin)
    in_force = Grant.objects.filter(ended_at=None).values_list("pk", flat=True)
    assert set(review.items.values_list("grant", flat=True)) == set(in_force)


def test_a_grant_given_after_the_opening_is_not_in_it(campaign, team, admin):
    later = giving.give_grant(team, "viewer", by=admin, reason="More.")
    assert not AccessReviewItem.objects.filter(grant=later).exists()


def test_roles_and_groups_narrow_it(admin, by_name, on_model, erin):
    review = opening.open_review("Reviewers", in_days(30), roles=["reviewer"], by=admin)
    assert set(review.items.values_list("holder", flat=True)) == {"team", "reviewers"}


def test_a_pattern_takes_in_the_grants_on_parts_that_reach_such_a_model(admin, team, erin, by_name, on_model):
    make_model("fraud")
    fraud = giving.give_grant(team, "viewer", "pattern", value="fraud*", by=admin, reason="Also.")
    review = opening.open_review("Churn", in_days(30), pattern="churn-*", by=admin)
    assert set(review.items.values_list("grant", flat=True)) == {by_name.pk, on_model.pk}
    assert fraud.pk not in owners(review)


def test_an_owner_who_holds_the_grant_does_not_answer_for_it(admin, alice, team, on_model):
    services.add_member(team, alice, by=admin)
    review = opening.open_review("Q", in_days(30), groups=["team"], by=admin)
    assert owners(review) == {on_model.pk: ("admin", "giver")}


def test_an_owner_who_does_not_see_the_model_does_not_answer(admin, team, on_model):
    member("heidi")
    RegisteredModel.objects.update(owner="heidi")
    assert owners(opening.open_review("Q", in_days(30), groups=["team"], by=admin)) == {on_model.pk: ("admin", "giver")}


def test_a_giver_who_holds_it_or_is_no_admin_any_more_leaves_it_to_any_admin(admin, ada, team, by_name):
    services.add_member(team, admin, by=ada)
    review = opening.open_review("Held", in_days(30), groups=["team"], by=admin)
    services.remove_member(team, admin, by=ada)
    services.deactivate(admin, by=ada, reason="They left.")
    second = opening.open_review("Gone", in_days(30), groups=["team"], by=ada)
    assert (owners(review), owners(second)) == ({by_name.pk: (None, "admin")}, {by_name.pk: (None, "admin")})


def test_the_look_says_how_many_and_whose_and_writes_nothing(admin, by_name, on_model):
    look = opening.look(groups=["team"], by=admin)
    assert (look.grants, look.by_owner, look.two, look.nobody) == (2, [("admin", 1), ("alice", 1)], 0, 0)
    assert not AccessReview.objects.exists()


def test_the_look_tells_what_nobody_could_confirm_and_what_two_admins_would(admin):
    alone = opening.look(groups=["admins"], by=admin)
    member("ada", ADMIN)
    two = opening.look(groups=["admins"], by=admin)
    assert (alone.by_owner, alone.nobody, two.nobody, two.two) == ([("", 1)], 1, 0, 1)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 151}),
        ("until", {"until": in_days(0)}),
        ("until", {"until": in_days(91)}),
        ("groups", {"groups": ["nobody"]}),
        ("groups", {"groups": ["data_scientists"]}),
        ("roles", {"roles": ["emperor"]}),
        ("pattern", {"pattern": "a\nb"}),
        ("pattern", {"pattern": "eu:"}),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_on_its_field(admin, alice, by_name, field, wrong):
    if wrong.get("groups") == ["data_scientists"]:  # there is such a group, and it holds nothing any more
        giving.end_grant(Grant.objects.get(group__name="data_scientists").pk, by=admin, reason="Over.")
    values = {"name": "Q", "until": in_days(30)} | wrong
    with pytest.raises(InvalidInput) as error:
        opening.open_review(values.pop("name"), values.pop("until"), by=admin, **values)
    assert error.value.field == field
    assert (AccessReview.objects.count(), AuditEvent.objects.latest("id").outcome) == (0, Outcome.REFUSED)


@pytest.mark.parametrize("days", [1, 90])
def test_it_takes_a_day_at_least_and_ninety_at_most(admin, by_name, days):
    assert opening.open_review("Q", in_days(days), by=admin).last_day == in_days(days)


def test_two_open_ones_of_one_name_are_a_conflict(campaign, admin):
    with pytest.raises(Conflict) as error:
        opening.open_review("First  quarter", in_days(30), by=admin)
    assert error.value.field == "name"


def test_as_many_other_grants_as_were_seen_are_a_conflict(admin, team, by_name, on_model):
    seen = opening.look(groups=["team"], by=admin)
    giving.end_grant(by_name.pk, by=admin, reason="Not wanted.")
    giving.give_grant(team, "admin", by=admin, reason="Quickly.")
    assert opening.look(groups=["team"], by=admin).grants == seen.grants
    with pytest.raises(Conflict, match="other grants now") as error:
        opening.open_review("Q", in_days(30), groups=["team"], seen=seen.digest, by=admin)
    assert (error.value.field, AccessReview.objects.exists()) == ("seen", False)


def test_others_who_would_answer_than_were_seen_are_a_conflict(admin, churn, on_model):
    seen = opening.look(groups=["team"], by=admin)
    RegisteredModel.objects.filter(pk=churn.pk).update(owner="")
    with pytest.raises(Conflict, match="others would answer"):
        opening.open_review("Q", in_days(30), groups=["team"], seen=seen.digest, by=admin)


def test_what_was_seen_is_opened(admin, by_name, on_model):
    seen = opening.look(groups=["team"], by=admin)
    assert opening.open_review("Q", in_days(30), groups=["team"], seen=seen.digest, by=admin).items.count() == 2


def test_nobody_but_an_admin_opens_or_looks(alice, by_name):
    with pytest.raises(NotAllowed):
        opening.open_review("Q", in_days(30), by=alice)
    with pytest.raises(NotAllowed):
        opening.look(by=alice)


def test_who_manages_people_but_reads_no_model_covers_no_grant_on_one(admin, by_name, on_model):
    heidi = member("heidi")
    giving.give_grant(heidi, "people:manage", by=admin, reason="Help desk.")
    review = opening.open_review("Q", in_days(30), groups=["team"], by=User.objects.get(pk=heidi.pk))
    assert list(review.items.values_list("grant", flat=True)) == [by_name.pk]
