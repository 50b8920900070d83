"""Service accounts: machines with tokens, without password and session, named as what they are."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.accounts.roles import ADMIN, REVIEWER
from apps.accounts.services import add_member, create_service_account, create_token, renew_token
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible
from apps.registry.models import RegisteredModel
from tests.accounts.test_authentication import bearer
from tests.builders import make_model
from tests.conftest import PASSWORD, member


@pytest.fixture
def machine(admin) -> User:
    """A service account in groups that hold every role: what it lacks, it lacks for what it is."""
    account = create_service_account("ci", by=admin, name="CI of churn")
    for holder in (member("x", ADMIN), member("y", REVIEWER)):
        add_member(holder.groups.get(), account, by=admin)
    return User.objects.get(pk=account.pk)


def test_it_is_named_as_such_to_people_and_in_the_trail(machine):
    named = str(machine), grants.actor(machine).role
    assert named == ("CI of churn (service account)", "service_account, ml_engineer")


def test_it_is_added_by_who_manages_people_and_recorded(admin, bob):
    create_service_account("ci", by=admin, name="CI", reason="Deploys.")
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.target, event.reason) == ("user.created", "ci", "Deploys.")
    assert event.data["after"] == {"username": "ci", "name": "CI", "service_account": True}
    with pytest.raises(NotAllowed):
        create_service_account("mine", by=bob)


@pytest.mark.parametrize(
    ("username", "name", "error", "field"),
    [
        ("", "", InvalidInput, "username"),
        ("a b", "", InvalidInput, "username"),
        ("ci", "x" * 151, InvalidInput, "name"),
        ("admin", "", Conflict, "username"),
    ],
)
def test_adding_one_names_the_field_at_fault(admin, username, name, error, field):
    with pytest.raises(error) as caught:
        create_service_account(username, by=admin, name=name)
    assert (caught.value.field, User.objects.filter(is_service=True).count()) == (field, 0)


def test_it_acts_through_its_token(machine, admin):
    made = create_token("deploy", by=admin, owner=machine, scope="write")
    body = bearer(made.text).get("/api/v1/me/").json()
    assert (body["username"], body["name"]) == ("ci", "CI of churn (service account)")


def test_it_never_holds_what_is_for_persons_alone(machine):
    model = make_model("churn")
    alone = {Permission.MODEL_BYPASS, Permission.MODEL_REVIEW, Permission.PEOPLE_MANAGE, Permission.POLICY_MANAGE}
    held = grants.held_permissions(machine) | grants.held_permissions(machine, model)
    assert (held & alone, Permission.MODEL_DEPLOY in held) == (set(), True)
    assert {name for name in alone if machine.pk in grants.holders(name, model).values_list("pk", flat=True)} == set()
    on_each = [grants.holders_on(name, RegisteredModel.objects.all())[model.pk] for name in alone]
    assert [machine.pk in keys for keys in on_each] == [False] * 4
    assert not grants.visible_to(machine, RegisteredModel.objects.all(), Permission.MODEL_REVIEW).exists()
    assert grants.held_somewhere(machine, frozenset(alone), RegisteredModel) == frozenset()
    assert not machine.has_perm(Permission.PEOPLE_MANAGE.full_name)


def test_it_cannot_sign_in_and_a_session_of_it_is_nobodys(machine):
    answer = Client().post("/sign-in/", {"username": "ci", "password": PASSWORD})
    client = Client()
    client.force_login(machine, backend="apps.accounts.backends.PersonBackend")
    assert (answer.status_code, client.get("/models/").status_code) == (200, 302)


@pytest.mark.parametrize("change", [{"password": "argon2$x"}, {"is_superuser": True}, {"is_staff": True}])
def test_the_database_refuses_it_a_password_and_djangos_ranks(machine, change):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=machine.pk).update(**change)


@pytest.mark.parametrize("name", ["ci", "alice"])
def test_the_database_refuses_to_make_one_a_person_or_a_person_one(machine, alice, name):
    User.objects.filter(username=name).update(password="!")
    row = User.objects.get(username=name)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=row.pk).update(is_service=not row.is_service)


def test_who_manages_people_makes_and_renews_its_tokens_and_nobody_else(machine, admin, bob):
    made = create_token("deploy", by=admin, owner=machine)
    assert renew_token(made.token.prefix, by=admin).token.user == machine
    for refused in (lambda: create_token("x", by=bob, owner=machine), lambda: renew_token(made.token.prefix, by=bob)):
        with pytest.raises(NotVisible):
            refused()


def test_nobody_makes_a_token_for_a_person(admin, alice):
    with pytest.raises(NotVisible):
        create_token("x", by=admin, owner=alice)


def test_it_is_not_the_last_who_manages_people(machine, admin):
    assert machine not in grants.holders(Permission.PEOPLE_MANAGE)


def test_the_command_adds_one_and_its_token(admin):
    out = StringIO()
    call_command("create_service_account", "ci", "--by", "admin", "--name", "CI", stdout=out)
    assert out.getvalue() == "Added CI (service account). It is in no group yet.\n"
    out = StringIO()
    call_command("create_token", "ci", "--name", "gate", "--scope", "gate", stdout=out)
    assert bearer(out.getvalue().strip()).get("/api/v1/models/").status_code == 403


@pytest.mark.parametrize("arguments", [("ci", "--by", "nobody"), ("ci", "--by", "bob"), ("a b", "--by", "admin")])
def test_the_command_says_what_is_wrong(admin, bob, arguments):
    with pytest.raises(CommandError):
        call_command("create_service_account", *arguments)
