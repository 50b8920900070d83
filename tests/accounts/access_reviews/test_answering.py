"""Answering for a grant: confirmed, removed, by whom; never alone for what one holds."""

import pytest

from apps.accounts import giving, services
from apps.accounts.access_reviews import deciding, opening, queries, steering
from apps.accounts.models import AccessReview, Grant, User
from apps.approvals import services as requests
from apps.audit.actions import Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from tests.accounts.access_reviews.conftest import in_days, is_due, item_of
from tests.accounts.test_granting import seen_by
from tests.builders import make_policy, make_version


def last(action: str) -> AuditEvent:
    return AuditEvent.objects.filter(action=action).latest("id")


def test_a_confirmed_grant_goes_on_and_the_trail_has_before_and_after(campaign, by_name, admin, mallory):
    deciding.decide(item_of(by_name).pk, "confirm", by=admin, reason="They still look.")
    item, event = item_of(by_name), last("access_review.confirmed")
    assert (item.decision, item.decided_by, item.reason) == ("confirmed", "admin", "They still look.")
    assert (event.actor, event.reason, event.data["before"], event.data["after"]) == (
        "admin", "They still look.", {"decision": "pending"}, {"decision": "confirmed"},
    )  # fmt: skip
    assert (Grant.objects.get(pk=by_name.pk).in_force, seen_by(mallory)) == (True, ["churn-eu"])


def test_a_removed_grant_ends_at_once_and_shows_as_its_own_event_too(campaign, by_name, on_model, admin, alice):
    deciding.decide(item_of(on_model).pk, "remove", by=alice, reason="They left the project.")
    grant, removed, changed = Grant.objects.get(pk=on_model.pk), last("access_review.removed"), last("grant.changed")
    assert (grant.in_force, grant.ended_by, grant.ended_reason) == (False, "alice", "They left the project.")
    assert (item_of(on_model).decision, removed.data["after"]) == ("removed", {"decision": "removed"})
    assert (changed.actor, changed.target, changed.data["after"], changed.data["review"]) == (
        "alice", "team", {"grant": None}, campaign.pk,
    )  # fmt: skip
    assert removed.data["grant"] == {"holder": "team", "role": "reviewer", "on": "churn-eu", "number": on_model.pk}


def test_a_removal_needs_a_reason(campaign, by_name, admin):
    with pytest.raises(InvalidInput) as error:
        deciding.decide(item_of(by_name).pk, "remove", by=admin, reason=" ")
    assert (error.value.field, item_of(by_name).decision) == ("reason", "pending")


def test_only_confirm_and_remove_are_answers(campaign, by_name, admin):
    with pytest.raises(InvalidInput) as error:
        deciding.decide(item_of(by_name).pk, "shrug", by=admin)
    assert error.value.field == "decision"


def test_a_stranger_and_who_answers_for_others_find_no_such_item(campaign, by_name, alice, mallory):
    for person in (alice, mallory):
        with pytest.raises(NotVisible):
            deciding.decide(item_of(by_name).pk, "confirm", by=person)


def test_an_admin_does_not_answer_for_what_somebody_else_does(campaign, on_model, admin):
    with pytest.raises(NotAllowed, match="alice answers"):
        deciding.decide(item_of(on_model).pk, "confirm", by=admin)


def test_what_an_owner_left_when_they_were_deactivated_any_admin_answers(campaign, on_model, admin, alice):
    services.deactivate(alice, by=admin, reason="They left.")
    assert item_of(on_model) in queries.waiting_for(admin)
    deciding.decide(item_of(on_model).pk, "confirm", by=admin)
    assert item_of(on_model).decided_by == "admin"


def test_what_is_decided_stays_decided(campaign, by_name, admin):
    deciding.decide(item_of(by_name).pk, "confirm", by=admin)
    with pytest.raises(WrongState, match="decided already"):
        deciding.decide(item_of(by_name).pk, "remove", by=admin, reason="I changed my mind.")
    assert (item_of(by_name).decision, Grant.objects.get(pk=by_name.pk).in_force) == ("confirmed", True)


def test_nobody_answers_when_the_time_is_over(campaign, by_name, admin):
    is_due(campaign)
    with pytest.raises(WrongState, match="over"):
        deciding.decide(item_of(by_name).pk, "confirm", by=admin)


def test_nobody_answers_for_a_grant_that_has_ended(campaign, by_name, admin):
    giving.end_grant(by_name.pk, by=admin, reason="Over.")
    with pytest.raises(Conflict, match="ended meanwhile"):
        deciding.decide(item_of(by_name).pk, "confirm", by=admin)


@pytest.mark.parametrize("answer", ["confirm", "remove"])
def test_nobody_decides_on_a_grant_that_they_hold_while_another_admin_does_not(
    campaign, team, by_name, admin, ada, answer
):
    services.add_member(team, admin, by=ada)
    with pytest.raises(RuleViolation, match="You hold this grant yourself, so somebody else decides on it: ada"):
        deciding.decide(item_of(by_name).pk, answer, by=admin, reason="I like it.")
    assert item_of(by_name).decision == "pending"


def test_a_grant_that_every_admin_holds_is_confirmed_by_two_of_them(admin, ada):
    review = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin)
    item = review.items.get()
    deciding.decide(item.pk, "confirm", by=admin, reason="We are needed.")
    item.refresh_from_db()
    assert (item.decision, item.first_by, item.owner) == ("pending", admin, None)
    assert last("access_review.half_confirmed").data["after"] == {"decision": "pending", "confirmed_by": "admin"}
    assert (list(queries.waiting_for(admin)), list(queries.waiting_for(ada))) == ([], [item])
    with pytest.raises(RuleViolation, match="a second one has to confirm"):
        deciding.decide(item.pk, "confirm", by=admin)
    deciding.decide(item.pk, "confirm", by=ada)
    item.refresh_from_db()
    assert (item.decision, item.decided_by) == ("confirmed", "ada")


def test_the_only_admin_never_confirms_their_own_grant(admin):
    item = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin).items.get()
    deciding.decide(item.pk, "confirm", by=admin)
    with pytest.raises(RuleViolation):
        deciding.decide(item.pk, "confirm", by=admin)
    item.refresh_from_db()
    assert item.decision == "pending"


def test_the_last_admin_is_not_removed_and_the_refusal_is_recorded(admin):
    item = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin).items.get()
    with pytest.raises(RuleViolation, match="nobody could manage people"):
        deciding.decide(item.pk, "remove", by=admin, reason="I am tired.")
    item.refresh_from_db()
    assert (item.decision, item.grant.in_force, last("access_review.removed").outcome) == (
        "pending", True, Outcome.REFUSED,
    )  # fmt: skip


def test_whoever_asked_for_a_promotion_removes_no_signer(campaign, churn, on_model, alice, bob):
    make_policy("Production")
    requests.open_request(make_version(churn, 1).pk, "Production", reason="Better.", by=alice)
    type(churn).objects.filter(pk=churn.pk).update(owner="alice")  # the new version has the tags read anew
    with pytest.raises(RuleViolation, match="Whoever asks does not choose"):
        deciding.decide(item_of(on_model).pk, "remove", by=alice, reason="I would rather have another.")
    assert (item_of(on_model).decision, Grant.objects.get(pk=on_model.pk).in_force) == ("pending", True)


def test_several_are_decided_each_for_itself(campaign, by_name, on_model, admin, alice):
    numbers = [item_of(on_model).pk, item_of(by_name).pk, 2**62, item_of(by_name).pk]
    results = deciding.decide_several(numbers, "confirm", by=admin)
    assert [(row.number, row.error.code if row.error else None) for row in results] == [
        (item_of(on_model).pk, "permission_denied"), (item_of(by_name).pk, None), (2**62, "not_found"),
    ]  # fmt: skip


def test_an_item_of_another_campaign_is_not_found_in_this_one(campaign, by_name, admin):
    other = opening.open_review("Other", in_days(30), groups=["team"], by=admin)
    results = deciding.decide_several([item_of(by_name, other).pk], "confirm", by=admin, review=campaign.pk)
    assert [row.error.code for row in results] == ["not_found"]
    assert item_of(by_name, other).decision == "pending"


@pytest.mark.parametrize("numbers", [[], list(range(1, 202))], ids=["none", "too many"])
def test_one_call_decides_on_one_to_two_hundred(admin, numbers):
    with pytest.raises(InvalidInput) as error:
        deciding.decide_several(numbers, "confirm", by=admin)
    assert error.value.field == "items"


def test_an_item_on_a_model_that_its_owner_no_longer_sees_is_out_of_sight(campaign, on_model, admin, alice):
    services.remove_member(alice.groups.get(), alice, by=admin)
    stripped = User.objects.get(pk=alice.pk)
    with pytest.raises(NotVisible):
        deciding.decide(item_of(on_model).pk, "confirm", by=stripped)
    assert list(queries.visible_reviews(stripped)) == []
    steering.reassign(item_of(on_model).pk, None, by=admin, reason="She left.")
    assert item_of(on_model) in queries.waiting_for(admin)


def test_hostile_names_stand_in_the_campaign_as_they_are(admin, team):
    team.name = "<script>alert(1)</script>=1+1"
    team.save()
    grant = giving.give_grant(team, "viewer", by=admin, reason="\x00<b>\u202e")
    review = opening.open_review("<i>Q</i>\x00", in_days(30), groups=[team.name], by=admin)
    item = item_of(grant)
    assert (AccessReview.objects.get(pk=review.pk).name.startswith("<i>Q</i>"), item.holder) == (True, team.name)


def test_what_a_demoted_admin_gave_any_admin_answers_and_they_do_not(campaign, by_name, admin, ada):
    services.remove_member(admin.groups.get(name="admins"), admin, by=ada)
    demoted = User.objects.get(pk=admin.pk)
    with pytest.raises(NotVisible):
        deciding.decide(item_of(by_name).pk, "confirm", by=demoted)
    assert (list(queries.waiting_for(demoted)), item_of(by_name) in queries.waiting_for(ada)) == ([], True)
    deciding.decide(item_of(by_name).pk, "confirm", by=ada)
    assert item_of(by_name).decided_by == "ada"


def test_whoever_owns_the_model_no_longer_does_not_answer_for_it(campaign, churn, on_model, admin, alice):
    type(churn).objects.filter(pk=churn.pk).update(owner="bob")
    with pytest.raises(NotVisible):
        deciding.decide(item_of(on_model).pk, "confirm", by=alice)
    deciding.decide(item_of(on_model).pk, "confirm", by=admin)
    assert item_of(on_model).decided_by == "admin"


def test_numbers_out_of_sight_are_refused_before_anything_is_locked_or_recorded(campaign, by_name, on_model, mallory):
    before = AuditEvent.objects.count()
    results = deciding.decide_several(range(1, 51), "confirm", by=mallory)
    assert {row.error.code for row in results} == {"not_found"}
    with pytest.raises(NotVisible):
        deciding.decide(item_of(by_name).pk, "confirm", by=mallory)
    assert AuditEvent.objects.count() == before


def test_the_second_of_two_is_never_the_first_one_again(admin, ada):
    review = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin)
    item = review.items.get()
    deciding.decide(item.pk, "confirm", by=admin)
    with pytest.raises(RuleViolation, match="confirmed it already"):
        steering.reassign(item.pk, admin, by=ada, reason="Again.")
