from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from apps.accounts import grants, services
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.accounts.roles import ADMIN, REVIEWER, VIEWER
from apps.audit.models import AuditEvent
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotVisible, RuleViolation
from tests.accounts.test_grants import fresh, make_model
from tests.conftest import PASSWORD, member

ME = "/api/v1/me/"


@pytest.fixture
def team(db) -> Group:
    return Group.objects.create(name="team")


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_change_grant_on_a_model_is_recorded_with_before_and_after(admin, team):
    model = make_model("churn")
    services.change_grant(team, [VIEWER], model, by=admin, reason="new team")
    services.change_grant(team.pk, ["reviewer"], model.pk, by=admin, reason="they review now")
    event = last_event()
    assert grants.roles_held(team, model) == ["viewer", "reviewer"]
    assert (event.action, event.outcome, event.actor, event.actor_role) == ("grant.changed", "done", "admin", "admin")
    assert (event.target, event.model_id, event.reason) == ("team", model.pk, "they review now")
    assert (event.data["before"], event.data["after"]) == ({"roles": ["viewer"]}, {"roles": ["viewer", "reviewer"]})


def test_change_grant_on_the_registry(admin, team):
    services.change_grant(team, [REVIEWER], None, by=admin, reason="reviewers")
    assert (grants.roles_held(team), last_event().model_id) == (["viewer", "reviewer"], None)


@pytest.mark.parametrize(
    ("roles", "model", "reason", "error", "field"),
    [
        (["boss"], None, "why not", InvalidInput, "roles"),
        ([VIEWER], None, " ", InvalidInput, "reason"),
        ([VIEWER], 404, "why not", NotVisible, None),
    ],
)
def test_change_grant_refuses_what_makes_no_sense(admin, team, roles, model, reason, error, field):
    with pytest.raises(error) as caught:
        services.change_grant(team, roles, model, by=admin, reason=reason)
    assert (caught.value.field, last_event().outcome, grants.roles_held(team)) == (field, "refused", [])


CHANGES = {
    "grant": lambda by, team: services.change_grant(team, [VIEWER], None, by=by, reason="please"),
    "add": lambda by, team: services.add_member(team, by, by=by),
    "remove": lambda by, team: services.remove_member(team, by, by=by),
    "group": lambda by, team: services.create_group("mine", by=by),
    "user": lambda by, team: services.create_user("eve", by=by, password=PASSWORD),
    "deactivate": lambda by, team: services.deactivate(by, by=by, reason="please"),
    "reactivate": lambda by, team: services.reactivate(by, by=by, reason="please"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_only_who_manages_people_changes_them(bob, team, change):
    with pytest.raises(NotAllowed):
        change(bob, team)
    assert (last_event().outcome, last_event().actor) == ("refused", "bob")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_admin_who_lost_the_role_meanwhile_is_refused(admin, team, change):
    assert grants.allows(admin, Permission.PEOPLE_MANAGE)  # remembered on this object
    fresh(admin).groups.clear()
    with pytest.raises(NotAllowed):
        change(admin, team)


def test_members_come_and_go(admin, alice, team):
    services.add_member(team, alice, by=admin, reason="joins")
    assert (list(team.user_set.all()), last_event().data["person"]) == ([alice], "alice")
    services.remove_member(team.pk, alice.pk, by=admin)
    event = last_event()
    assert (list(team.user_set.all()), event.action, event.data["after"]) == (
        [],
        "membership.changed",
        {"member": False},
    )


def test_membership_of_nobody_is_not_found(admin, team):
    with pytest.raises(NotVisible):
        services.add_member(team, 404, by=admin)


def test_the_last_admin_cannot_leave(admin):
    admins = Group.objects.get(name="admins")
    with pytest.raises(RuleViolation, match="nobody could manage people"):
        services.remove_member(admins, admin, by=admin)
    assert (list(admins.user_set.all()), last_event().outcome) == ([admin], "refused")


def test_the_last_admin_group_keeps_its_role(admin):
    admins = Group.objects.get(name="admins")
    with pytest.raises(RuleViolation):
        services.change_grant(admins, [VIEWER], None, by=admin, reason="tidy up")
    assert grants.roles_held(admins) == ["admin"]


def test_an_inactive_admin_does_not_count(admin, db):
    other = member("other", ADMIN)
    User.objects.filter(pk=other.pk).update(is_active=False)
    with pytest.raises(RuleViolation):
        services.remove_member(Group.objects.get(name="admins"), admin, by=admin)


def test_two_admins_who_remove_each_other_leave_one(transactional_db):
    admins = [member("one", ADMIN), member("two", ADMIN)]
    group, start = Group.objects.get(name="admins"), Barrier(2)
    results = []

    def remove(by: User, whom: User) -> None:
        start.wait()
        try:
            services.remove_member(group, whom, by=by)
            results.append("done")
        except DomainError as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    threads = [Thread(target=remove, args=pair) for pair in (admins, admins[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(results), group.user_set.count()) == (["NotAllowed", "done"], 1)


def test_create_group_adds_it_once(admin):
    services.create_group(" fraud ", by=admin)
    assert Group.objects.filter(name="fraud").exists()
    with pytest.raises(Conflict):
        services.create_group("fraud", by=admin)


@pytest.mark.parametrize("name", ["", " ", "x" * 151, "a\0b"])
def test_create_group_needs_a_name(admin, name):
    with pytest.raises(InvalidInput):
        services.create_group(name, by=admin)


def test_create_user_adds_a_person_who_can_sign_in(admin, client):
    services.create_user("eve", by=admin, password=PASSWORD, first_name="Eve")
    assert client.login(username="eve", password=PASSWORD)
    assert PASSWORD not in str(last_event().data)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"username": "no spaces"}, "username"),
        ({"username": ""}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"password": "short"}, "password"),
        ({"email": "nowhere"}, "email"),
        ({"username": "admin"}, "username"),
    ],
)
def test_create_user_names_the_field_at_fault(admin, more, field):
    values = {"username": "eve", "password": PASSWORD, **more}
    with pytest.raises(DomainError) as caught:
        services.create_user(values.pop("username"), by=admin, **values)
    assert caught.value.field == field


@pytest.fixture
def other_admin(db) -> User:
    return member("root", ADMIN)


def test_a_deactivated_person_is_out_at_once_and_old_keys_stay_dead(admin, bob):
    browsers = [Client(), Client()]
    for browser in browsers:
        assert browser.login(username="bob", password=PASSWORD)
    token = services.create_token("CI", by=bob)
    bearer = {"Authorization": f"Bearer {token.text}"}
    assert Client().get(ME, headers=bearer).status_code == 200
    services.deactivate(bob, by=admin, reason="Left the company.")
    event = last_event()
    assert (event.action, event.target, event.reason) == ("user.deactivated", "bob", "Left the company.")
    assert (event.data["tokens_revoked"], event.data["sessions_ended"]) == (1, 2)
    assert Client().login(username="bob", password=PASSWORD) is False
    assert [browser.get(ME).status_code for browser in browsers] == [401, 401]
    assert Client().get(ME, headers=bearer).status_code == 401
    services.reactivate(bob, by=admin, reason="Came back.")
    assert Client().login(username="bob", password=PASSWORD) is True
    assert [browser.get(ME).status_code for browser in browsers] == [401, 401]
    assert Client().get(ME, headers=bearer).status_code == 401


def test_the_sessions_of_others_go_on(admin, alice, bob):
    browser = Client()
    browser.login(username="alice", password=PASSWORD)
    services.deactivate(bob, by=admin, reason="Left.")
    assert browser.get(ME).status_code == 200


def test_a_session_without_its_row_does_not_let_a_deactivated_person_in(admin, bob):
    browser, token = Client(), services.create_token("CI", by=bob)
    browser.login(username="bob", password=PASSWORD)
    User.objects.filter(pk=bob.pk).update(is_active=False)  # behind the service's back
    assert browser.get(ME).status_code == 401
    assert Client().get(ME, headers={"Authorization": f"Bearer {token.text}"}).status_code == 401


def test_nobody_deactivates_themselves(admin, other_admin):
    with pytest.raises(RuleViolation, match="yourself"):
        services.deactivate(admin, by=admin, reason="Enough.")
    assert (fresh(admin).is_active, last_event().outcome) == (True, "refused")


def test_deactivating_twice_is_a_conflict(admin, bob):
    with pytest.raises(Conflict):
        services.reactivate(bob, by=admin, reason="Why not.")
    services.deactivate(bob, by=admin, reason="Left.")
    with pytest.raises(Conflict):
        services.deactivate(bob, by=admin, reason="Left again.")


@pytest.mark.parametrize("change", [services.deactivate, services.reactivate])
def test_whether_somebody_is_active_changes_with_a_reason(admin, bob, change):
    with pytest.raises(InvalidInput) as caught:
        change(bob, by=admin, reason=" ")
    assert (caught.value.field, fresh(bob).is_active) == ("reason", True)


def test_two_admins_who_deactivate_each_other_leave_one(transactional_db):
    admins, start, results = [member("one", ADMIN), member("two", ADMIN)], Barrier(2), []

    def out(by: User, whom: User) -> None:
        start.wait()
        try:
            services.deactivate(whom, by=by, reason="Out.")
            results.append("done")
        except DomainError as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    threads = [Thread(target=out, args=pair) for pair in (admins, admins[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(results), User.objects.filter(is_active=True).count()) == (["NotAllowed", "done"], 1)


@pytest.mark.parametrize(
    "add",
    [
        lambda by: services.create_user("Alice", by=by, password=PASSWORD),
        lambda by: services.create_service_account("ALICE", by=by, name="CI"),
        lambda by: services.invite(username="aLice", by=by),
    ],
)
def test_a_user_name_in_other_capitals_is_taken(admin, alice, add):
    with pytest.raises(Conflict, match=r"of this user name already \(alice\)") as caught:
        add(admin)
    assert (caught.value.field, User.objects.filter(username__iexact="alice").count()) == ("username", 1)
