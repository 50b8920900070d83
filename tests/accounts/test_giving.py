"""Grants are given, taken and lapse: by whom, what is refused, what the trail says."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.accounts import giving, grants, services
from apps.accounts.models import Grant, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import ADMIN
from apps.audit.actions import Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation
from tests.accounts.test_granting import seen_by
from tests.approvals.lifecycle.test_races import together
from tests.builders import make_model
from tests.conftest import member

TODAY = timezone.now().date()


@pytest.fixture
def team(mallory) -> Group:
    group = Group.objects.create(name="team")
    mallory.groups.add(group)
    return group


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_a_group_is_given_a_role_on_a_pattern_and_the_trail_says_so(team, mallory, admin):
    make_model("churn-eu")
    day = TODAY + timedelta(days=30)
    grant = giving.give_grant(team, "viewer", "pattern", value="churn-*", until=day, by=admin, reason="They look.")
    assert (seen_by(mallory), grant.last_day) == (["churn-eu"], day)
    event = last_event()
    assert (event.action, event.target_type, event.target, event.reason) == (
        "grant.changed", "group", "team", "They look.",
    )  # fmt: skip
    said = {"role": "viewer", "on": "names like churn-*", "until": day.isoformat(), "reason": "They look."}
    assert event.data == {"before": {"grant": None}, "after": {"grant": said}, "number": grant.pk}


def test_a_grant_of_today_counts_to_the_end_of_the_day(team, admin):
    grant = giving.give_grant(team, "viewer", until=TODAY, by=admin, reason="Now.")
    assert grant.until == datetime.combine(TODAY + timedelta(days=1), datetime.min.time(), UTC)


def test_a_person_is_given_a_single_permission(mallory, admin):
    giving.give_grant(mallory, "audit:read", by=admin, reason="She audits.")
    assert grants.held_permissions(User.objects.get(pk=mallory.pk)) == {Permission.AUDIT_READ}


def test_a_grant_is_taken_with_a_reason(team, mallory, admin):
    make_model("churn-eu")
    grant = giving.give_grant(team, "viewer", "pattern", value="*", by=admin, reason="They look.")
    giving.end_grant(grant.pk, by=admin, reason="They left.")
    assert (seen_by(mallory), last_event().data["after"]) == ([], {"grant": None})
    with pytest.raises(Conflict):
        giving.end_grant(grant.pk, by=admin, reason="Again.")


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("role", {"role": "emperor"}),
        ("role", {"role": "people:manage", "scope": "pattern", "value": "*"}),
        ("scope", {"scope": "galaxy"}),
        ("value", {"scope": "pattern"}),
        ("value", {"value": "churn-*"}),
        ("model", {"scope": "model"}),
        ("until", {"until": TODAY - timedelta(days=1)}),
        ("until", {"until": TODAY + timedelta(days=4000)}),
        ("reason", {"reason": "  "}),
    ],
    ids=str,
)
def test_a_grant_that_cannot_be_meant_is_refused_on_its_field(team, admin, field, wrong):
    values = {"role": "viewer", "scope": "registry", "reason": "Yes."} | wrong
    with pytest.raises(InvalidInput) as error:
        giving.give_grant(team, values.pop("role"), values.pop("scope"), by=admin, **values)
    assert error.value.field == field
    assert (Grant.objects.filter(group=team).count(), last_event().outcome) == (0, Outcome.REFUSED)


def test_a_model_is_named_only_where_the_scope_is_one(team, admin):
    with pytest.raises(InvalidInput) as error:
        giving.give_grant(team, "viewer", "registry", model=make_model(), by=admin, reason="Yes.")
    assert error.value.field == "model"


def test_the_same_grant_twice_is_a_conflict_until_the_first_has_ended(team, admin):
    first = giving.give_grant(team, "viewer", until=TODAY, by=admin, reason="Now.")
    with pytest.raises(Conflict, match="End that grant first"):
        giving.give_grant(team, "viewer", by=admin, reason="For good.")
    Grant.objects.filter(pk=first.pk).update(until=timezone.now() - timedelta(minutes=1))
    giving.give_grant(team, "viewer", by=admin, reason="For good.")
    assert Grant.objects.get(pk=first.pk).ended_by == "system:grants"
    assert grants.roles_held(team) == ["viewer"]


def test_a_stranger_gives_and_takes_nothing(team, mallory, admin):
    with pytest.raises(NotAllowed):
        giving.give_grant(mallory, "admin", by=mallory, reason="I want it.")
    held = Grant.objects.get(group__name="admins")
    with pytest.raises(NotAllowed):
        giving.end_grant(held.pk, by=mallory, reason="I envy it.")
    with pytest.raises(NotVisible):
        giving.end_grant(2**70, by=admin, reason="A typo.")


def test_who_manages_people_but_reads_no_model_names_none(team, mallory, admin):
    secret = make_model("secret")
    giving.give_grant(mallory, "people:manage", by=admin, reason="Help desk.")
    with pytest.raises(NotVisible):
        giving.give_grant(team, "viewer", "model", model=secret.pk, by=mallory, reason="A guess.")


def test_the_last_admin_keeps_the_role(admin):
    held = Grant.objects.get(group__name="admins")
    with pytest.raises(RuleViolation, match="nobody could manage people"):
        giving.end_grant(held.pk, by=admin, reason="I am tired.")
    assert grants.lasting_holders(Permission.PEOPLE_MANAGE).get() == admin


def test_an_admin_until_a_day_does_not_stand_in_for_one_for_good(admin, bob):
    giving.give_grant(bob, "admin", until=TODAY + timedelta(days=9), by=admin, reason="Holidays.")
    held = Grant.objects.get(group__name="admins")
    for deed in (
        lambda: giving.end_grant(held.pk, by=admin, reason="I leave."),
        lambda: services.deactivate(admin, by=User.objects.get(pk=bob.pk), reason="They leave."),
        lambda: services.remove_member(held.group, admin, by=admin, reason="I leave."),
        lambda: services.change_grant(held.group, [], None, by=admin, reason="I leave."),
    ):
        with pytest.raises(RuleViolation, match="nobody could manage people"):
            deed()


@pytest.mark.django_db(transaction=True)
def test_two_admins_without_a_group_do_not_take_the_role_from_each_other_at_once(admin):
    one, other = member("one"), member("other")
    held = [giving.give_grant(person, "admin", by=admin, reason="Two of us.") for person in (one, other)]
    giving.end_grant(Grant.objects.get(group__name="admins").pk, by=admin, reason="Handed over.")
    people = [User.objects.get(pk=person.pk) for person in (one, other)]
    errors = together(
        lambda: giving.end_grant(held[1].pk, by=people[0], reason="Mine."),
        lambda: giving.end_grant(held[0].pk, by=people[1], reason="No, mine."),
    )
    assert (len(errors), grants.lasting_holders(Permission.PEOPLE_MANAGE).count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_same_grant_given_twice_at_once_is_given_once(admin):
    team = Group.objects.create(name="team")
    admin = User.objects.get(pk=admin.pk)
    deed = lambda: giving.give_grant(team, "viewer", by=admin, reason="Yes.")  # noqa: E731
    assert [error.code for error in together(deed, deed)] == ["conflict"]
    assert Grant.objects.filter(group=team).count() == 1


def test_lapsed_grants_are_ended_once_and_the_trail_says_by_themselves(team, admin):
    grant = giving.give_grant(team, "viewer", until=TODAY, by=admin, reason="Now.")
    assert giving.lapse() == 0
    Grant.objects.filter(pk=grant.pk).update(until=timezone.now() - timedelta(minutes=1))
    assert (giving.lapse(), giving.lapse()) == (1, 0)
    event = last_event()
    assert (event.action, event.actor, event.target) == ("grant.changed", "system:grants", "team")
    assert (event.data["before"]["grant"]["role"], event.data["after"]) == ("viewer", {"grant": None})


def overdue(team, number: int) -> list[int]:
    """Grants whose last day is over, by their numbers."""
    made = Grant.objects.bulk_create(
        Grant(group=team, role="viewer", scope="pattern", value=f"m-{n}", reason="x", made_by="admin",
              until=timezone.now() - timedelta(minutes=1))
        for n in range(number)
    )  # fmt: skip
    return sorted(grant.pk for grant in made)


def test_one_ring_ends_all_that_is_overdue(team):
    overdue(team, 230)
    assert (giving.lapse(), giving.lapse()) == (230, 0)


def test_what_is_left_when_a_ring_is_over_ends_at_the_next(team):
    left, taken = overdue(team, 5), iter([False, True])
    assert giving.lapse(lambda: next(taken)) == 2
    assert list(Grant.objects.filter(ended_at=None).values_list("pk", flat=True)) == left[2:]
    assert giving.lapse() == 3


def test_a_grant_that_cannot_be_ended_holds_up_no_other(team, monkeypatch):
    odd, *others = overdue(team, 3)
    real = giving._take

    def take(grant, **more):
        if grant.pk == odd:
            raise ValueError("odd")
        real(grant, **more)

    monkeypatch.setattr(giving, "_take", take)
    assert (giving.lapse(lambda: True), giving.lapse(lambda: True)) == (0, 1)
    assert list(Grant.objects.filter(ended_at=None, group=team).values_list("pk", flat=True)) == [odd, others[1]]


def test_a_role_set_anew_for_good_takes_the_place_of_one_that_ends(team, admin):
    giving.give_grant(team, "viewer", until=TODAY, by=admin, reason="Now.")
    services.change_grant(team, ["viewer"], None, by=admin, reason="For good.")
    assert list(Grant.objects.filter(group=team, ended_at=None).values_list("until", flat=True)) == [None]
    assert member("grace", ADMIN).groups.exists()
