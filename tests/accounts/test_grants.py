from datetime import timedelta

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Group
from django.utils import timezone

from apps.accounts import granting, grants
from apps.accounts.models import TimedPermission, User
from apps.accounts.permissions import MODEL_PERMISSIONS, Permission
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, ML_ENGINEER, REVIEWER, ROLES, VIEWER
from apps.registry.models import RegisteredModel, RegisteredModelGroupPermission, RegisteredModelUserPermission


def make_model(name: str) -> RegisteredModel:
    return RegisteredModel.objects.create(name=name, created_at=timezone.now(), updated_at=timezone.now())


@pytest.fixture
def model(db) -> RegisteredModel:
    return make_model("churn")


@pytest.fixture
def team(mallory) -> Group:
    """A group without roles, of which mallory is the member."""
    group = Group.objects.create(name="team")
    mallory.groups.add(group)
    return group


def fresh(user: User) -> User:
    """The person as the next request loads them, without remembered permissions."""
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("role", ROLES.values(), ids=str)
def test_role_on_one_model_is_held_there_alone(team, mallory, model, role):
    grants.set_role(team, [role], model, model_class=RegisteredModel)
    assert grants.held_permissions(mallory, model) == role.permissions
    assert grants.held_permissions(mallory, make_model("other")) == frozenset()
    assert grants.held_permissions(mallory) == frozenset()


def test_role_on_one_model_is_held_somewhere(team, mallory, model):
    duties = frozenset({Permission.MODEL_REVIEW, Permission.MODEL_DEPLOY})
    assert grants.held_somewhere(mallory, duties, RegisteredModel) == frozenset()
    grants.set_role(team, [REVIEWER], model, model_class=RegisteredModel)
    assert grants.held_somewhere(mallory, duties, RegisteredModel) == {Permission.MODEL_REVIEW}


def test_role_on_the_registry_is_held_somewhere_without_another_query(admin, django_assert_num_queries):
    grants.held_permissions(admin)
    duties = frozenset({Permission.MODEL_DEPLOY})
    with django_assert_num_queries(0):
        assert grants.held_somewhere(admin, duties, RegisteredModel) == duties


def test_role_on_the_registry_is_held_on_every_model(alice, model):
    assert grants.held_permissions(alice, model) == DATA_SCIENTIST.permissions
    assert grants.roles_of(alice) == ["data_scientist"]


def test_roles_on_model_and_registry_add_up(team, alice, model):
    alice.groups.add(team)
    grants.set_role(team, [REVIEWER], model, model_class=RegisteredModel)
    assert (grants.roles_of(alice), grants.roles_of(alice, model)) == (
        ["data_scientist"],
        ["data_scientist", "reviewer"],
    )


def test_admin_of_one_model_does_not_manage_people(team, mallory, model):
    grants.set_role(team, [ADMIN], model)
    assert not grants.allows(mallory, Permission.PEOPLE_MANAGE, model)


def test_permission_of_a_person_counts(mallory, model):
    permission = granting.stored([Permission.MODEL_READ]).get()
    RegisteredModelUserPermission.objects.create(user=mallory, permission=permission, content_object=model)
    assert list(grants.visible_to(mallory, RegisteredModel.objects.all())) == [model]
    assert list(grants.holders(Permission.MODEL_READ, model)) == [mallory]


def test_superuser_may_do_everything(mallory, model):
    mallory.is_superuser = True
    mallory.save()
    assert grants.held_permissions(mallory, model) == frozenset(Permission)
    assert list(grants.visible_to(mallory, RegisteredModel.objects.all())) == [model]
    assert list(grants.holders(Permission.MODEL_DELETE, model)) == [mallory]


def test_inactive_person_may_do_nothing(admin, model):
    admin.is_active, admin.is_superuser = False, True
    admin.save()
    assert grants.held_permissions(admin, model) == frozenset()
    assert not grants.visible_to(admin, RegisteredModel.objects.all()).exists()
    assert not grants.holders(Permission.MODEL_READ, model).exists()


@pytest.mark.parametrize("nobody", [None, AnonymousUser()])
def test_nobody_may_do_nothing(nobody, model):
    assert not grants.allows(nobody, Permission.MODEL_READ, model)
    assert grants.held_on(nobody, [model]) == {model.pk: frozenset()}
    assert not grants.visible_to(nobody, RegisteredModel.objects.all()).exists()


def test_visible_to_asks_for_the_given_permission(team, mallory, model):
    grants.set_role(team, [VIEWER], model)
    models = RegisteredModel.objects.all()
    assert list(grants.visible_to(mallory, models)) == [model]
    assert list(grants.visible_to(mallory, models, Permission.MODEL_REVIEW)) == []


def test_set_role_replaces_what_was_held(team, mallory, model):
    for on in (model, None):
        grants.set_role(team, [ADMIN, REVIEWER], on)
        grants.set_role(team, [VIEWER], on)
        assert grants.roles_held(team, on) == ["viewer"]
    assert grants.held_permissions(fresh(mallory)) == VIEWER.permissions


def test_set_role_to_nothing_removes_all(team, mallory, model):
    for on in (model, None):
        grants.set_role(team, [ML_ENGINEER], on)
        grants.set_role(team, [], on)
    assert grants.held_permissions(fresh(mallory), model) == frozenset()


def test_set_role_on_the_registry_leaves_single_models_and_others_permissions_alone(team, model):
    from django.contrib.auth.models import Permission as DjangoPermission

    foreign = DjangoPermission.objects.get(codename="add_group")
    team.permissions.add(foreign)
    grants.set_role(team, [VIEWER], model)
    grants.set_role(team, [ADMIN], None)
    grants.set_role(team, [], None)
    assert list(team.permissions.all()) == [foreign]
    assert grants.roles_held(team, model) == ["viewer"]


def test_holders_are_found_by_group_registry_and_model_once(team, mallory, bob, erin, alice, model):
    grants.set_role(team, [REVIEWER], model)
    bob.groups.add(team)
    found = grants.holders(Permission.MODEL_REVIEW, model).order_by("username")
    assert [user.username for user in found] == ["bob", "erin", "mallory"]


def test_holders_on_the_installation(admin, alice):
    assert list(grants.holders(Permission.PEOPLE_MANAGE)) == [admin]


def test_actor_names_the_roles_of_the_moment(bob, model):
    assert grants.actor(bob, model).role == "ml_engineer, reviewer"


def test_queries_per_question_are_constant(team, mallory, model, django_assert_num_queries):
    grants.set_role(team, [REVIEWER], model)
    models = [model, *(make_model(f"model {number}") for number in range(20))]
    with django_assert_num_queries(1):
        grants.roles_of(mallory)
    with django_assert_num_queries(1):
        grants.actor(mallory, model)
    with django_assert_num_queries(1):
        held = grants.held_on(mallory, models)
    with django_assert_num_queries(1):
        list(grants.visible_to(mallory, RegisteredModel.objects.all()))
    assert [len(held[row.pk]) for row in models] == [2] + [0] * 20


def test_what_is_held_everywhere_is_what_django_says(bob, mallory, team):
    from django.contrib.auth.models import Permission as DjangoPermission

    mallory.user_permissions.add(DjangoPermission.objects.get(codename="add_group"))
    mallory.user_permissions.add(granting.stored([Permission.MODEL_READ]).get())
    grants.set_role(team, [VIEWER], None)
    for person in (bob, mallory):
        assert grants.names_everywhere(fresh(person)) == ModelBackend().get_all_permissions(fresh(person))
    assert grants.held_permissions(fresh(mallory)) == VIEWER.permissions


def test_django_does_not_ask_again_for_what_is_held_everywhere(bob, django_assert_num_queries):
    grants.held_permissions(bob)
    with django_assert_num_queries(0):
        assert (bob.has_perm("registry.model_review"), bob.has_perm("accounts.audit_read")) == (True, False)


def test_model_permissions_are_the_ones_on_models():
    assert all(permission.on_model for permission in MODEL_PERMISSIONS)


def everybody_by_every_way(model: RegisteredModel) -> None:
    """Make people who hold the reviewer's permissions by each way there is, in force and ended, and some who do not."""
    duties = list(granting.stored([Permission.MODEL_READ, Permission.MODEL_REVIEW]))
    now = timezone.now()
    ends = {"soon": now + timedelta(days=1), "ended": now - timedelta(days=1)}
    for way in ("group", "person"):
        for when, until in ends.items():
            for where in ("here", "elsewhere", "everywhere"):
                user = User.objects.create_user(f"{way} {when} {where}")
                holder = {"user": user} if way == "person" else {"group": Group.objects.create(name=str(user))}
                user.groups.set(group for group in holder.values() if isinstance(group, Group))
                at = {"content_object": model if where == "here" else make_model(str(user))}
                table = RegisteredModelUserPermission if way == "person" else RegisteredModelGroupPermission
                table, at = (TimedPermission, {}) if where == "everywhere" else (table, at)
                for permission in duties:
                    table.objects.create(**holder, permission=permission, until=until, **at)
    reads, lasts, leaves = (User.objects.create_user(name) for name in ("reads alone", "for good", "inactive"))
    reads.user_permissions.set(duties[:1])
    lasts.user_permissions.set(duties)
    leaves.user_permissions.set(duties)
    User.objects.filter(pk=leaves.pk).update(is_active=False)
    User.objects.create_superuser("root")
    robot = User.objects.create_user("robot", is_service=True)
    robot.user_permissions.set(duties[:1])


@pytest.mark.parametrize(
    "wanted", [{Permission.MODEL_READ}, {Permission.MODEL_REVIEW}, {Permission.MODEL_READ, Permission.MODEL_REVIEW}]
)
def test_names_of_holders_are_those_of_the_holders(model, alice, bob, wanted):
    everybody_by_every_way(model)
    found = grants.names_of_holders(wanted, model)
    every = [{person.pk: person.username for person in grants.holders(permission, model)} for permission in wanted]
    assert found == {key: name for key, name in every[0].items() if all(key in held for held in every)}


def test_names_of_holders_count_every_way_that_is_in_force(model, bob):
    everybody_by_every_way(model)
    assert sorted(grants.names_of_holders({Permission.MODEL_READ, Permission.MODEL_REVIEW}, model).values()) == [
        "bob", "for good", "group soon everywhere", "group soon here", "person soon everywhere", "person soon here",
        "root",
    ]  # fmt: skip


@pytest.mark.parametrize("permission", [Permission.MODEL_READ, Permission.MODEL_REVIEW, Permission.PEOPLE_MANAGE])
def test_keys_of_holders_are_those_of_the_holders_of_everything(model, alice, admin, permission):
    everybody_by_every_way(model)
    found = User.objects.filter(pk__in=grants.keys_of_holders(permission))
    assert set(found) == set(grants.holders(permission))
